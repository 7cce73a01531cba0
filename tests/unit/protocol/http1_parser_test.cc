#include "unit/protocol/protocol_run.h"

namespace spanwatch::protocol {
namespace {

TEST(Http1Parser, RequestAndResponseBodiesBecomeObjects) {
  const auto run = RunScript(R"(> POST /up/a.bin?x=1 HTTP/1.1\r\nHost: files.example\r\nUser-Agent: tool/1\r\n
Content-Type: Text/Plain; charset=x\r\nContent-Length: 5\r\n\r\nhello

< HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok
)");
  ASSERT_EQ(run->size(), 2u);
  EXPECT_EQ(run->At(0).info.step, "http POST /up/a.bin");
  EXPECT_EQ(run->At(0).info.name, "a.bin");
  EXPECT_EQ(run->At(0).info.media_type, "text/plain");
  EXPECT_EQ(run->At(0).bytes, "hello");
  EXPECT_EQ(run->At(0).end, ObjectEnd::kComplete);
  EXPECT_EQ(run->At(1).info.step, "http 200 /up/a.bin");
  EXPECT_EQ(run->At(1).info.encodings, std::vector<std::string>{"gzip"});
  EXPECT_EQ(run->facts.protocol, "http");
  EXPECT_EQ(run->facts.exchange.server_name, "files.example");
  EXPECT_EQ(run->facts.exchange.user_agent, "tool/1");
  EXPECT_EQ(run->facts.visibility, Visibility::kClear);
}

TEST(Http1Parser, PipelinedResponsesAreMatchedAndBodilessOnesSkipped) {
  const auto run = RunScript(R"(> HEAD /h HTTP/1.1\r\n\r\nGET /n HTTP/1.1\r\n\r\nBREW /c HTTP/1.1\r\n\r\n

< HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n
HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 418\r\nContent-Length: 3\r\n\r\ntea
)");
  ASSERT_EQ(run->size(), 1u);
  EXPECT_EQ(run->At(0).info.step, "http 418 /c");
  EXPECT_EQ(run->At(0).bytes, "tea");
}

TEST(Http1Parser, ChunkedBodyWithExtensionsTrailersAndSloppySizes) {
  const auto run = RunScript(R"(> GET /x HTTP/1.1\r\n\r\nGET /y HTTP/1.1\r\n\r\n

< HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3;a="b"\r\nabc\r\n 0002 \r\nde\n1\nf\r\n0\r\nT: v\r\n\r\n
HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz
)");
  ASSERT_EQ(run->size(), 2u);
  EXPECT_EQ(run->At(0).bytes, "abcdef");
  EXPECT_EQ(run->At(0).end, ObjectEnd::kComplete);
  EXPECT_EQ(run->At(0).info.encodings, std::vector<std::string>{"gzip"});
  EXPECT_EQ(run->At(1).bytes, "z");
}

TEST(Http1Parser, BodyDeclaredAsChunkedThatIsNotIsTakenUntilTheEnd) {
  const auto run = RunScript(R"(> GET /x HTTP/1.1\r\n\r\n

< HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nplain words\nmore
)");
  ASSERT_EQ(run->size(), 1u);
  EXPECT_EQ(run->At(0).bytes, "plain words\nmore");
  EXPECT_TRUE(run->Saw(AnomalyCode::http_framing_conflict));
}

TEST(Http1Parser, GapInsideContentLengthBodyKeepsTheNextMessage) {
  const auto run = RunScript(R"(> GET /x HTTP/1.1\r\n\r\nGET /y HTTP/1.1\r\n\r\n

< HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab

<gap 6

< cdHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz
)");
  ASSERT_EQ(run->size(), 2u);
  EXPECT_EQ(run->At(0).bytes, "ab[gap 6]cd");
  EXPECT_EQ(run->At(0).end, ObjectEnd::kTruncated);
  EXPECT_EQ(run->At(1).info.step, "http 200 /y");
}

TEST(Http1Parser, GapInsideChunkKeepsTheBodyAndGapInHeadResynchronises) {
  const auto run = RunScript(R"(> GET /x HTTP/1.1\r\n\r\n

< HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nab

<gap 4

< cd\r\n0\r\n\r\nHTTP/1.1 200 O

<gap 30

< lost tail of something HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz
)");
  ASSERT_EQ(run->size(), 2u);
  EXPECT_EQ(run->At(0).bytes, "ab[gap 4]cd");
  EXPECT_EQ(run->At(1).bytes, "z");
}

TEST(Http1Parser, CaptureThatBeginsInsideAResponseFindsTheNextMessages) {
  const auto run = RunScript(R"(< \x89\x00tail of a picture

< still itHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na

> body\x01POST /up/n.bin HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi

< HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok
)",
                             true);
  ASSERT_EQ(run->size(), 3u);
  EXPECT_EQ(run->At(0).bytes, "a");
  EXPECT_EQ(run->At(1).info.step, "http POST /up/n.bin");
  EXPECT_EQ(run->At(1).bytes, "hi");
  EXPECT_EQ(run->At(2).info.step, "http 201 /up/n.bin");
}

TEST(Http1Parser, RangeFileNameAndBoundaryReachTheObject) {
  const auto run = RunScript(R"(> PUT /p HTTP/1.1\r\nContent-Range: bytes 500-501/9000\r\n
Content-Type: multipart/form-data; boundary="a;b"\r\n
Content-Disposition: attachment; filename="x"; filename*=UTF-8''caf%C3%A9.jpg\r\nContent-Length: 2\r\n\r\nhi
)");
  ASSERT_EQ(run->size(), 1u);
  EXPECT_EQ(run->At(0).info.range->offset, 500u);
  EXPECT_EQ(run->At(0).info.range->total, 9000u);
  EXPECT_EQ(run->At(0).info.boundary, "a;b");
  EXPECT_EQ(run->At(0).info.name, "caf\xc3\xa9.jpg");
}

TEST(Http1Parser, OddSpellingsOfContentEncodingAreUnderstood) {
  for (const char* spelling :
       {"Content-Encoding: x-gzip", "Content-Encoding : x-gzip", "Content-Encoding:: x-gzip",
        "Content-Encoding: \\x0cx-gzip\\x0b", "Content-Encoding: foo x-gzip;", "content-encoding:\\r\\n X-GZIP"}) {
    const auto run =
        RunScript(std::string("> GET /x HTTP/1.1\\r\\n\\r\\n\n\n< HTTP/1.0 200\\n") + spelling + "\\n\\nbody\n");
    ASSERT_EQ(run->size(), 1u) << spelling;
    EXPECT_EQ(run->At(0).info.encodings, std::vector<std::string>{"x-gzip"}) << spelling;
    EXPECT_EQ(run->At(0).bytes, "body");
  }
}

// What S3 clients declare of an upload in signed chunks, and what uploads of the parts of a mail declare.
TEST(Http1Parser, EveryDeclaredCodingIsToldInItsOrder) {
  const auto run =
      RunScript(R"(> PUT /b/k HTTP/1.1\r\nContent-Encoding: aws-chunked,gzip\r\nContent-Length: 4\r\n\r\nbody

< HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Transfer-Encoding: base64\r\nContent-Length: 4\r\n\r\nbody
)");
  ASSERT_EQ(run->size(), 2u);
  EXPECT_EQ(run->At(0).info.encodings, (std::vector<std::string>{"aws-chunked", "gzip"}));
  EXPECT_EQ(run->At(1).info.encodings, (std::vector<std::string>{"br", "base64"}));
}

TEST(Http1Parser, ConflictingLengthsAreAnAnomaly) {
  const auto run = RunScript(R"(> POST /x HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc
)");
  EXPECT_TRUE(run->Saw(AnomalyCode::http_framing_conflict));
}

TEST(Http1Parser, ResponseWithoutHeadIsABody) {
  const auto run = RunScript("> GET /old.txt\\r\\n\n\n< plain old\n");
  ASSERT_EQ(run->size(), 1u);
  EXPECT_EQ(run->At(0).bytes, "plain old");
  EXPECT_EQ(run->At(0).info.name, "old.txt");
}

TEST(Http1Parser, TunnelIsIdentifiedAgain) {
  const auto run = RunScript(R"(> CONNECT a.example:22 HTTP/1.1\r\nHost: a.example:22\r\n\r\n

< HTTP/1.1 200 Connection established\r\n\r\nSSH-2.0-server\r\n

> SSH-2.0-client\r\n
)");
  EXPECT_EQ(run->size(), 0u);
  EXPECT_EQ(run->facts.protocol, "ssh");
  EXPECT_EQ(run->facts.visibility, Visibility::kEncrypted);
  EXPECT_EQ(run->facts.ssh_client_banner, "SSH-2.0-client");
  EXPECT_EQ(run->facts.ssh_server_banner, "SSH-2.0-server");
}

TEST(Http1Parser, RefusedTunnelGoesOnWithRequests) {
  const auto run = RunScript(R"(> CONNECT a.example:1 HTTP/1.1\r\n\r\n

> POST /p HTTP/1.1\r\nContent-Length: 1\r\n\r\nq

< HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n
)");
  ASSERT_EQ(run->size(), 1u);
  EXPECT_EQ(run->At(0).bytes, "q");
}

TEST(Http1Parser, LongQueryAndCookieBecomeTexts) {
  const std::string filler(80, 'k');
  const auto run = RunScript("> GET /q?d=%41" + filler + " HTTP/1.1\\r\\nCookie: c=" + filler +
                             "\\r\\nAccept: " + filler + "\\r\\n\\r\\n\n");
  ASSERT_EQ(run->size(), 2u);
  EXPECT_EQ(run->At(0).info.kind, ObjectKind::kText);
  EXPECT_EQ(run->At(0).bytes, "/q?d=A" + filler);
  EXPECT_EQ(run->At(1).info.step, "http GET /q header cookie");
}

// `first` was refused before its body, and `again` follows it on the connection; the body of 4 bytes comes once.
void ExpectOnlyTheRepeatedBody(const std::string& first, const std::string& again) {
  const auto run =
      RunScript("> " + first + "\n\n< HTTP/1.1 401 No\\r\\nContent-Length: 0\\r\\n\\r\\n\n\n> " + again + "\n");
  ASSERT_EQ(run->size(), 1u) << first;
  EXPECT_EQ(run->At(0).bytes, "body") << first;
  EXPECT_EQ(run->At(0).info.name, "again") << first;
  EXPECT_EQ(run->At(0).end, ObjectEnd::kComplete) << first;
}

TEST(Http1Parser, RequestThatWasRefusedBeforeItsBodyIsFollowedByTheNext) {
  const std::string plain = R"(PUT /again HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody)";
  const std::string chunked = R"(PUT /again HTTP/1.1\nTransfer-Encoding: chunked\n\n4\nbody\n0\n\n)";
  for (const std::string& again : {plain, chunked}) {
    ExpectOnlyTheRepeatedBody(R"(PUT /p HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n)",
                              again);
    ExpectOnlyTheRepeatedBody(R"(PUT /p HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n)", again);
    ExpectOnlyTheRepeatedBody(R"(PROPFIND /p HTTP/1.1\r\nContent-Length: 90000\r\n\r\n)", again);
  }
}

TEST(Http1Parser, BodyThatComesAfterAnEarlyAnswerOrWithoutLeaveIsTheBody) {
  const auto run = RunScript(R"(> PUT /a HTTP/1.1\r\nContent-Length: 9\r\n\r\n

< HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n

> PUT it in

> POST /b HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n

> GETPOST /c HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 17\r\n\r\n

< HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n

> PUT / HTTP/1.1\r\n\r
)");
  ASSERT_EQ(run->size(), 3u);
  EXPECT_EQ(run->At(0).bytes, "PUT it in");
  EXPECT_EQ(run->At(1).bytes, "GET");
  EXPECT_EQ(run->At(2).bytes, "PUT / HTTP/1.1\r\n\r");
}

TEST(Http1Parser, NextRequestAfterAChunkIsNoSizeOfAChunk) {
  const auto run = RunScript(R"(> PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n
COPY /b HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi
)");
  ASSERT_EQ(run->size(), 2u);
  EXPECT_EQ(run->At(0).bytes, "abc");
  EXPECT_EQ(run->At(1).info.step, "http COPY /b");
  EXPECT_EQ(run->At(1).bytes, "hi");
}

TEST(FlowProtocol, WhoIsClientIsWhatTheBytesSayWhenTheBeginningIsMissing) {
  const auto beginning = RunScript(R"(< PUT /up/a.bin HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello

> HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok
)",
                                   true);
  ASSERT_EQ(beginning->size(), 2u);
  EXPECT_EQ(beginning->At(0).direction, Direction::kFromServer);
  EXPECT_EQ(beginning->At(0).info.step, "http PUT /up/a.bin");
  EXPECT_EQ(beginning->At(0).bytes, "hello");
  EXPECT_EQ(beginning->At(1).direction, Direction::kFromClient);
  EXPECT_EQ(beginning->At(1).info.step, "http 201 /up/a.bin");
  EXPECT_TRUE(beginning->facts.roles_reversed);
  const auto middle = RunScript(R"(> tail of a bodyHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na
)",
                                true);
  ASSERT_EQ(middle->size(), 1u);
  EXPECT_EQ(middle->At(0).bytes, "a");
  EXPECT_EQ(middle->At(0).direction, Direction::kFromClient);
}

TEST(FlowProtocol, PipelinedRequestsOfAMissingBeginningHaveTheirResponses) {
  const auto run = RunScript(R"(< GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n

> HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2
)",
                             true);
  ASSERT_EQ(run->size(), 2u);
  EXPECT_EQ(run->At(0).info.step, "http 200 /a");
  EXPECT_EQ(run->At(1).info.step, "http 200 /b");
}

TEST(FlowProtocol, MessagesInsideABodyAreRefutedByWhatTheOtherDirectionBeginsWith) {
  const auto run = RunScript(R"(> of a recorded HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nresponse

< HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok

> PUT /b HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello
)",
                             true);
  ASSERT_EQ(run->size(), 3u);
  EXPECT_EQ(run->At(1).info.step, "http 201");
  EXPECT_EQ(run->At(2).info.step, "http PUT /b");
  EXPECT_EQ(run->At(2).bytes, "hello");
  EXPECT_FALSE(run->facts.roles_reversed);
}

TEST(Http1Parser, FactsBelongToTheExchangeOfTheObject) {
  const auto run = RunScript(R"(> POST /a HTTP/1.1\r\nHost: a.example\r\nUser-Agent: one\r\nContent-Length: 1\r\n\r\nA
POST /b HTTP/1.1\r\nHost: b.example\r\nUser-Agent: one\r\nContent-Length: 1\r\n\r\nB

< HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb
)");
  ASSERT_EQ(run->size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    const std::string own = run->At(i).bytes == "A" || run->At(i).bytes == "a" ? "a.example" : "b.example";
    ASSERT_NE(run->At(i).info.exchange, nullptr);
    EXPECT_EQ(run->At(i).info.exchange->server_name, own);
  }
  EXPECT_EQ(run->facts.exchange.server_name, "") << "the exchanges differ in it";
  EXPECT_EQ(run->facts.exchange.user_agent, "one");
}

TEST(Http1Parser, TheNameOfAResponseIsWhatWasAskedFor) {
  const auto run = RunScript(R"(> GET /a/x1.jpg HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n

< HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na
HTTP/1.1 200 OK\r\nContent-Disposition: attachment; filename=y.zip\r\nContent-Length: 1\r\n\r\nb
)");
  ASSERT_EQ(run->size(), 3u);
  EXPECT_EQ(run->At(0).info.step, "http GET /a/x1.jpg url");
  EXPECT_EQ(run->At(0).info.name, "x1.jpg");
  EXPECT_FALSE(run->At(0).info.asked_name);
  EXPECT_EQ(run->At(1).info.name, "x1.jpg");
  EXPECT_TRUE(run->At(1).info.asked_name);
  EXPECT_EQ(run->At(2).info.name, "y.zip");
  EXPECT_FALSE(run->At(2).info.asked_name);
}

// What the text objects of one request hold.
std::string TextsOf(const std::string& head) {
  std::string texts;
  const auto run = RunScript("> " + head + "\\r\\n\\r\\n\n");
  for (const auto& object : run->objects.objects) texts += object->bytes;
  return texts;
}

TEST(Http1Parser, ShortValuesThatMayHoldAPlateAreFields) {
  EXPECT_EQ(TextsOf("GET /lookup?plate=AB%2D1234&lang=en HTTP/1.1"), "plate=AB-1234\n");
  EXPECT_EQ(TextsOf("GET /?q=ABC1234 HTTP/1.1"), "q=ABC1234\n");
  EXPECT_EQ(TextsOf("GET /api/plate/ABC1234/reads HTTP/1.1"), "plate=ABC1234\n");
  EXPECT_EQ(TextsOf("GET /api/plate/GOLF HTTP/1.1"), "plate=GOLF\n") << "the name says that it may be one";
  EXPECT_EQ(TextsOf("GET http://api.example/cars;plate=ABC1234/x HTTP/1.1"), "plate=ABC1234\n");
  EXPECT_EQ(TextsOf("PUT /reads/ABC1234.jpg HTTP/1.1\\r\\nContent-Length: 0"), "reads=ABC1234\n");
  EXPECT_EQ(TextsOf("GET / HTTP/1.1\\r\\nX-Plate: ABC1234"), "plate=ABC1234\n");
  EXPECT_EQ(TextsOf("GET / HTTP/1.1\\r\\nCookie: lang=en; plate=ABC1234"), "plate=ABC1234\n");
  EXPECT_EQ(TextsOf("GET / HTTP/1.1\\r\\nReferer: https://api.example/?plate=ABC1234"), "plate=ABC1234\n");
  EXPECT_EQ(TextsOf("GET /look?abc+1234 HTTP/1.1"), "=abc+1234\n");
  EXPECT_EQ(TextsOf("GET /look?ids=ABC1234%2CXY34ZZZ,en HTTP/1.1"), "ids=ABC1234\nids=XY34ZZZ\n");
  EXPECT_EQ(TextsOf("GET /look?q=%22ABC-1234%22 HTTP/1.1"), "q=ABC-1234\n");
  EXPECT_EQ(TextsOf("GET /Cars('ABC1234')?$filter=owner%20eq%20'XY34ZZZ' HTTP/1.1"), "=ABC1234\n$filter=XY34ZZZ\n");
  EXPECT_EQ(TextsOf("MOVE /a HTTP/1.1\\r\\nDestination: http://h2.example/cars/ABC1234.jpg"), "cars=ABC1234\n");
  EXPECT_EQ(TextsOf("GET /?f={%22plate%22:%22ABC1234%22} HTTP/1.1"), "f={\"plate\":\"ABC1234\"}\n");
}

TEST(Http1Parser, NoAnswerHasTheNameOfAnother) {
  // Beyond the limit of requests that wait, behind interim answers, after a HEAD.
  std::string script = "> ";
  for (int i = 0; i < 300; ++i) script += "GET /f" + std::to_string(i) + ".bin HTTP/1.1\\r\\n\\r\\n";
  script += "\n\n< ";
  for (int i = 0; i < 300; ++i) {
    script += "HTTP/1.1 103 Early Hints\\r\\n\\r\\nHTTP/1.1 200 OK\\r\\nContent-Length: 3\\r\\n\\r\\n" +
              std::to_string(100 + i);
  }
  const auto run = RunScript(script + "\n");
  std::size_t named = 0;
  for (const auto& object : run->objects.objects) {
    if (object->info.kind == ObjectKind::kText || object->info.name.empty()) continue;
    ++named;
    EXPECT_EQ(object->info.name, "f" + std::to_string(std::stoi(object->bytes) - 100) + ".bin");
  }
  EXPECT_EQ(named, 256u);
}

TEST(Http1Parser, AnAnswerToHeadTakesNoBodyAndNoNameFromTheNext) {
  const auto run = RunScript(R"(> HEAD /a.jpg HTTP/1.1\r\n\r\nGET /b.jpg HTTP/1.1\r\n\r\n

< HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb
)");
  ASSERT_EQ(run->size(), 1u);
  EXPECT_EQ(run->At(0).info.name, "b.jpg");
}

TEST(Http1Parser, OrdinaryRequestsOpenNoText) {
  EXPECT_EQ(TextsOf("GET /static/css/main.css?theme=dark HTTP/1.1\\r\\nHost: h2.example\\r\\nAccept: */*;q=0.8\\r\\n"
                    "If-None-Match: \"abc1234\"\\r\\nDate: Mon, 13 May 2019 02:11:40 GMT"),
            "");
  EXPECT_EQ(TextsOf("GET /v/0123456789abcdef0123 HTTP/1.1"), "\n") << "a name with digits, and no field";
}

TEST(FlowProtocol, BytesThatNoParserKnowsStayUnknown) {
  const auto run = RunScript("> \\x00\\x01\\x02 whatever\n\n< \\x03\\x04\n");
  EXPECT_EQ(run->size(), 0u);
  EXPECT_EQ(run->facts.protocol, "");
  EXPECT_EQ(run->facts.visibility, Visibility::kUnknown);
  EXPECT_EQ(run->counters.Get(Counter::protocol_flows_unknown), 1u);
}

}  // namespace
}  // namespace spanwatch::protocol
