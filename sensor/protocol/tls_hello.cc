#include "protocol/tls_hello.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/byte_reader.h"
#include "base/hex.h"

namespace spanwatch::protocol {
namespace {

constexpr std::uint16_t kServerName = 0, kSignatureAlgorithms = 13, kAlpn = 16, kSupportedVersions = 43;

bool IsGrease(std::uint16_t value) { return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff); }

void AppendU16s(ByteReader list, std::vector<std::uint16_t>& values) {
  while (list.remaining() >= 2) {
    const std::uint16_t value = list.U16Be();
    if (!IsGrease(value)) values.push_back(value);
  }
}

std::vector<std::string> ReadAlpn(ByteReader extension) {
  std::vector<std::string> names;
  ByteReader list(extension.Take(extension.U16Be()));
  while (list.remaining() > 0 && names.size() < 16) {
    const ByteView name = list.Take(list.U8());
    if (!list.ok()) break;
    names.emplace_back(AsText(name));
  }
  return names;
}

void ReadExtension(std::uint16_t type, ByteReader extension, ClientHello& hello) {
  if (type == kServerName) {
    hello.has_server_name = true;
    extension.Skip(2);
    if (extension.U8() == 0) hello.server_name = AsText(extension.Take(extension.U16Be())).substr(0, 256);
  } else if (type == kAlpn) {
    hello.alpn = ReadAlpn(extension);
  } else if (type == kSignatureAlgorithms) {
    AppendU16s(ByteReader(extension.Take(extension.U16Be())), hello.signature_algorithms);
  } else if (type == kSupportedVersions) {
    std::vector<std::uint16_t> versions;
    AppendU16s(ByteReader(extension.Take(extension.U8())), versions);
    if (!versions.empty()) hello.version = *std::ranges::max_element(versions);
  }
}

// The first 12 digits of the SHA-256 of the values, in hexadecimal, separated by commas.
std::string ShortHash(const std::string& text) {
  if (text.empty()) return "000000000000";
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(AsBytes(text).data(), text.size(), digest.data());
  return ToHex(ByteView(digest).first(6));
}
std::string HexList(const std::vector<std::uint16_t>& values) {
  std::string text;
  for (const std::uint16_t value : values) text += fmt::format("{}{:04x}", text.empty() ? "" : ",", value);
  return text;
}

bool IsAlphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string Ja4Version(std::uint16_t version) {
  switch (version) {
    case 0x0304:
      return "13";
    case 0x0303:
      return "12";
    case 0x0302:
      return "11";
    case 0x0301:
      return "10";
    case 0x0300:
      return "s3";
    case 0x0002:
      return "s2";
    default:
      return "00";
  }
}

}  // namespace

std::optional<ClientHello> ParseClientHello(ByteView body) {
  ByteReader reader(body);
  ClientHello hello;
  hello.version = reader.U16Be();
  reader.Skip(32);           // random
  reader.Skip(reader.U8());  // session id
  AppendU16s(ByteReader(reader.Take(reader.U16Be())), hello.ciphers);
  reader.Skip(reader.U8());  // compression
  if (!reader.ok()) return std::nullopt;
  if (reader.remaining() == 0) return hello;
  ByteReader extensions(reader.Take(reader.U16Be()));
  while (extensions.remaining() >= 4) {
    const std::uint16_t type = extensions.U16Be();
    const ByteView extension = extensions.Take(extensions.U16Be());
    if (!extensions.ok()) break;
    if (!IsGrease(type)) hello.extensions.push_back(type);
    ReadExtension(type, ByteReader(extension), hello);
  }
  return hello;
}

std::optional<ServerHello> ParseServerHello(ByteView body) {
  ByteReader reader(body);
  ServerHello hello;
  hello.version = reader.U16Be();
  reader.Skip(32);
  reader.Skip(reader.U8());
  reader.Skip(3);  // cipher, compression
  if (!reader.ok()) return std::nullopt;
  if (reader.remaining() == 0) return hello;
  ByteReader extensions(reader.Take(reader.U16Be()));
  while (extensions.remaining() >= 4) {
    const std::uint16_t type = extensions.U16Be();
    ByteReader extension(extensions.Take(extensions.U16Be()));
    if (!extensions.ok()) break;
    if (type == kSupportedVersions) hello.version = extension.U16Be();
    if (type != kAlpn) continue;
    const std::vector<std::string> names = ReadAlpn(extension);
    if (!names.empty()) hello.alpn = names.front();
  }
  return hello;
}

std::string Ja4(const ClientHello& hello) {
  std::string alpn = "00";
  if (!hello.alpn.empty() && !hello.alpn.front().empty()) {
    const std::string& name = hello.alpn.front();
    if (IsAlphanumeric(name.front()) && IsAlphanumeric(name.back())) {
      alpn = {name.front(), name.back()};
    } else {
      const std::string hex = ToHex(AsBytes(name));
      alpn = {hex.front(), hex.back()};
    }
  }
  std::vector<std::uint16_t> ciphers = hello.ciphers;
  std::ranges::sort(ciphers);
  std::vector<std::uint16_t> extensions = hello.extensions;
  std::erase_if(extensions, [](std::uint16_t type) { return type == kServerName || type == kAlpn; });
  std::ranges::sort(extensions);
  std::string second = HexList(extensions);
  if (!second.empty() && !hello.signature_algorithms.empty()) second += "_" + HexList(hello.signature_algorithms);
  return fmt::format("t{}{}{:02}{:02}{}_{}_{}", Ja4Version(hello.version), hello.has_server_name ? 'd' : 'i',
                     std::min<std::size_t>(hello.ciphers.size(), 99),
                     std::min<std::size_t>(hello.extensions.size(), 99), alpn, ShortHash(HexList(ciphers)),
                     ShortHash(second));
}

std::string TlsVersionName(std::uint16_t version) {
  if (version == 0x0300) return "3.0";
  if (version > 0x0300 && version <= 0x0304) return fmt::format("1.{}", version - 0x0301);
  return {};
}

}  // namespace spanwatch::protocol
