#include "protocol/tls_hello.h"
#include "unit/protocol/protocol_run.h"

namespace spanwatch::protocol {
namespace {

std::string Escaped(ByteView bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) text += fmt::format("\\x{:02x}", byte);
  return text;
}
void AppendU16(Bytes& bytes, std::size_t value) {
  bytes.push_back(static_cast<std::uint8_t>(value >> 8));
  bytes.push_back(static_cast<std::uint8_t>(value));
}
void AppendExtension(Bytes& bytes, std::uint16_t type, const Bytes& body) {
  AppendU16(bytes, type);
  AppendU16(bytes, body.size());
  bytes.insert(bytes.end(), body.begin(), body.end());
}

// One handshake message in records of at most `record` bytes.
Bytes Records(std::uint8_t type, const Bytes& body, std::size_t record) {
  Bytes message = {type, 0};
  AppendU16(message, body.size());
  message.insert(message.end(), body.begin(), body.end());
  Bytes records;
  for (std::size_t at = 0; at < message.size(); at += record) {
    const std::size_t length = std::min(record, message.size() - at);
    records.insert(records.end(), {22, 3, 1});
    AppendU16(records, length);
    records.insert(records.end(), message.begin() + static_cast<std::ptrdiff_t>(at),
                   message.begin() + static_cast<std::ptrdiff_t>(at + length));
  }
  return records;
}

Bytes HelloBody(bool client, const Bytes& extensions) {
  Bytes body = {3, 3};
  body.resize(34, 7);
  body.push_back(0);  // session id
  if (client)
    body.insert(body.end(), {0, 4, 0x0a, 0x0a, 0x13, 0x01, 1, 0});
  else
    body.insert(body.end(), {0x13, 0x01, 0});
  AppendU16(body, extensions.size());
  body.insert(body.end(), extensions.begin(), extensions.end());
  return body;
}

TEST(TlsParser, HellosAcrossRecordsGiveNameProtocolAndVersion) {
  Bytes offered;
  AppendExtension(offered, 0, {0, 6, 0, 0, 3, 'a', '.', 'b'});
  AppendExtension(offered, 16, {0, 3, 2, 'h', '2'});
  AppendExtension(offered, 43, {4, 3, 4, 3, 3});
  Bytes chosen;
  AppendExtension(chosen, 43, {3, 4});
  const auto run = RunScript("> " + Escaped(Records(1, HelloBody(true, offered), 20)) + "\n\n< " +
                             Escaped(Records(2, HelloBody(false, chosen), 11)) + "\n");
  EXPECT_EQ(run->facts.protocol, "tls");
  EXPECT_EQ(run->facts.visibility, Visibility::kEncrypted);
  EXPECT_EQ(run->facts.exchange.server_name, "a.b");
  EXPECT_EQ(run->facts.tls_alpn, "h2");
  EXPECT_EQ(run->facts.tls_version, "1.3");
  EXPECT_TRUE(run->facts.tls_ja4.starts_with("t13d0103h2_")) << run->facts.tls_ja4;
}

// The worked example of the public description.
TEST(TlsHello, Ja4OfThePublishedExample) {
  ClientHello hello;
  hello.version = 0x0304;
  hello.has_server_name = true;
  hello.alpn = {"h2", "http/1.1"};
  hello.ciphers = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9,
                   0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035};
  hello.extensions = {0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d,
                      0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015};
  hello.signature_algorithms = {0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601};
  EXPECT_EQ(Ja4(hello), "t13d1516h2_8daaf6152771_e5627efa2ab1");
}

TEST(TlsParser, ApplicationDataInTheMiddleOfAConversationIsEncrypted) {
  const auto run = RunScript("< \\x17\\x03\\x03\\x00\\x03abc\n", true);
  EXPECT_EQ(run->facts.visibility, Visibility::kEncrypted);
}

}  // namespace
}  // namespace spanwatch::protocol
