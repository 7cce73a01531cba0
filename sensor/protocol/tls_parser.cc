// TLS (RFC 8446 section 5.1): reads the hello of each side out of its records; what follows is encrypted.
#include <algorithm>

#include "base/byte_reader.h"
#include "protocol/parsers.h"
#include "protocol/tls_hello.h"

namespace spanwatch::protocol {
namespace {

constexpr std::uint8_t kHandshake = 22;
constexpr std::size_t kRecordHeader = 5;
constexpr std::size_t kHandshakeHeader = 4;
constexpr std::size_t kLongestRecord = 16384 + 2048;

bool IsRecordHeader(ByteView header) {
  ByteReader reader(header);
  const std::uint8_t type = reader.U8();
  const std::uint16_t version = reader.U16Be();
  const std::uint16_t length = reader.U16Be();
  return reader.ok() && type >= 20 && type <= 23 && version >= 0x0300 && version <= 0x0304 && length > 0 &&
         length <= kLongestRecord;
}

struct Side {
  Bytes record_header;
  std::size_t record_left = 0;
  Bytes message;         // handshake header and body
  bool settled = false;  // its hello was read, or will not come
};

class TlsParser final : public Parser {
 public:
  explicit TlsParser(const ParserContext& context) : context_(context) {
    context_.facts.protocol = "tls";
    context_.facts.visibility = Visibility::kEncrypted;
  }

  ParserAnswer OnData(Direction direction, ByteView bytes) noexcept override {
    Side& side = sides_[Index(direction)];
    while (!bytes.empty() && !side.settled) {
      bytes = side.record_left == 0 ? TakeHeader(side, bytes) : TakeRecord(direction, bytes);
    }
    return Answer();
  }
  ParserAnswer OnGap(Direction direction, [[maybe_unused]] std::uint64_t length) noexcept override {
    sides_[Index(direction)].settled = true;
    return Answer();
  }
  ParserAnswer OnEnd(Direction direction) noexcept override {
    sides_[Index(direction)].settled = true;
    return Answer();
  }

 private:
  ParserAnswer Answer() const {
    return sides_[0].settled && sides_[1].settled ? ParserAnswer::kDone : ParserAnswer::kContinue;
  }

  ByteView TakeHeader(Side& side, ByteView bytes) {
    const std::size_t length = std::min(bytes.size(), kRecordHeader - side.record_header.size());
    side.record_header.insert(side.record_header.end(), bytes.begin(),
                              bytes.begin() + static_cast<std::ptrdiff_t>(length));
    if (side.record_header.size() == kRecordHeader) {
      ByteReader reader(side.record_header);
      if (!IsRecordHeader(side.record_header) || reader.U8() != kHandshake) side.settled = true;
      reader.Skip(2);
      side.record_left = reader.U16Be();
      side.record_header.clear();
    }
    return bytes.subspan(length);
  }

  ByteView TakeRecord(Direction direction, ByteView bytes) {
    Side& side = sides_[Index(direction)];
    const std::size_t length = std::min(bytes.size(), side.record_left);
    side.message.insert(side.message.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
    side.record_left -= length;
    if (side.message.size() >= kHandshakeHeader) {
      ByteReader reader(side.message);
      const std::uint8_t type = reader.U8();
      const std::uint32_t body = reader.U24Be();
      if (body > context_.limits.protocol_hello_bytes) side.settled = true;
      if (reader.remaining() >= body) ReadHello(direction, type, reader.Take(body));
    }
    return bytes.subspan(length);
  }

  void ReadHello(Direction direction, std::uint8_t type, ByteView body) {
    Side& side = sides_[Index(direction)];
    side.settled = true;
    if (type == 1) {
      // Who says hello first is the client of TLS, whoever opened the connection, and the name is that of the other.
      if (direction == Direction::kFromServer) context_.facts.roles_reversed = !context_.facts.roles_reversed;
      if (const auto hello = ParseClientHello(body)) {
        context_.facts.exchange.server_name = hello->server_name;
        if (context_.facts.tls_version.empty()) context_.facts.tls_version = TlsVersionName(hello->version);
        if (!hello->alpn.empty() && context_.facts.tls_alpn.empty()) context_.facts.tls_alpn = hello->alpn.front();
        context_.facts.tls_ja4 = Ja4(*hello);
      }
    } else if (type == 2) {
      if (const auto hello = ParseServerHello(body)) {  // what was chosen goes before what was offered
        context_.facts.tls_version = TlsVersionName(hello->version);
        if (!hello->alpn.empty()) context_.facts.tls_alpn = hello->alpn;
      }
    }
    side.message = Bytes();
  }

  ParserContext context_;
  std::array<Side, 2> sides_;
};

ProbeAnswer ProbeTls(ByteView first, [[maybe_unused]] Direction direction) {
  if (first.size() >= kRecordHeader) return IsRecordHeader(first) ? ProbeAnswer::kYes : ProbeAnswer::kNo;
  if (first[0] < 20 || first[0] > 23 || (first.size() > 1 && first[1] != 3)) return ProbeAnswer::kNo;
  return ProbeAnswer::kMaybe;
}

}  // namespace

const ParserSpec kTlsParser = {
    .name = "tls",
    .help = "TLS and SSL 3.0: server name, application protocol, version and JA4 of the hellos.",
    .probe = ProbeTls,
    .begins_within = nullptr,
    .create = [](const ParserContext& context) -> std::unique_ptr<Parser> {
      return std::make_unique<TlsParser>(context);
    },
};

}  // namespace spanwatch::protocol
