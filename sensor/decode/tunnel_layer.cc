#include "decode/tunnel_layer.h"

#include "base/byte_reader.h"

namespace spanwatch::decode {
namespace {

constexpr std::uint16_t kErspanTwo = 0x88be, kErspanThree = 0x22eb, kGrePpp = 0x880b;

// What the port suggested is not there: an ordinary datagram.
void LeaveTunnel(Frame& frame) {
  frame.packet = frame.tunnel;
  frame.next = Layer::kDeliver;
}

// ERSPAN I has no header of its own, II 8 bytes, III 12 and 8 more when its last bit says so.
void DecodeErspan(Frame& frame, std::uint16_t type, bool has_sequence) {
  std::size_t header_length = type == kErspanThree ? 12 : has_sequence ? 8 : 0;
  if (frame.bytes.size() < header_length) return frame.Fail(Failure::kTruncated);
  if (type == kErspanThree && (frame.bytes[11] & 1) != 0) header_length += 8;
  if (frame.bytes.size() < header_length) return frame.Fail(Failure::kTruncated);
  frame.Push(Encapsulation::kErspan);
  frame.Advance(header_length);
  frame.next = Layer::kEthernet;
}

// RFC 2637 section 4.1: version 1, always a key, which holds the payload length; perhaps an acknowledgement.
void DecodePptp(Frame& frame, std::uint16_t flags) {
  std::size_t header_length = 8;
  if ((flags & 0x1000) != 0) header_length += 4;
  if ((flags & 0x0080) != 0) header_length += 4;
  if (frame.bytes.size() < header_length) return frame.Fail(Failure::kTruncated);
  if (frame.bytes.size() == header_length) return frame.Fail(Failure::kUnknown);  // acknowledgement only
  frame.Push(Encapsulation::kGre);
  frame.Advance(header_length);
  frame.next = Layer::kPpp;
}

}  // namespace

//  C, (R), K, S, ... version (2) | protocol type (2) | checksum (4)? | key (4)? | sequence (4)?
void DecodeGre(Frame& frame) noexcept {
  ByteReader reader(frame.bytes);
  const std::uint16_t flags = reader.U16Be();
  const std::uint16_t type = reader.U16Be();
  if (!reader.ok()) return frame.Fail(Failure::kTruncated);
  if ((flags & 7) == 1 && type == kGrePpp) return DecodePptp(frame, flags);
  if ((flags & 7) != 0 || (flags & 0x4000) != 0) return frame.Fail(Failure::kUnknown);  // routing died with RFC 1701
  const bool has_sequence = (flags & 0x1000) != 0;
  reader.Skip(((flags & 0x8000) != 0 ? 4 : 0) + ((flags & 0x2000) != 0 ? 4 : 0) + (has_sequence ? 4 : 0));
  if (!reader.ok()) return frame.Fail(Failure::kTruncated);
  frame.Push(Encapsulation::kGre);
  frame.Advance(reader.position());
  if (type == kErspanTwo || type == kErspanThree) return DecodeErspan(frame, type, has_sequence);
  frame.ether_type = type;
  frame.next = Layer::kEtherType;
}

//  flags: "I" says that the network identifier is valid | ... (3) | identifier (3) | reserved
void DecodeVxlan(Frame& frame) noexcept {
  if (frame.bytes.size() < 8 || (frame.bytes[0] & 0x08) == 0) return LeaveTunnel(frame);
  frame.Push(Encapsulation::kVxlan);
  frame.Advance(8);
  frame.next = Layer::kEthernet;
}

//  version (2 bits), option words (6) | flags | protocol type (2) | identifier (3) | reserved | options
void DecodeGeneve(Frame& frame) noexcept {
  ByteReader reader(frame.bytes);
  const std::uint8_t version_and_words = reader.U8();
  reader.Skip(1);
  const std::uint16_t type = reader.U16Be();
  reader.Skip(4 + (version_and_words & 0x3f) * 4u);
  if (!reader.ok() || version_and_words >> 6 != 0) return LeaveTunnel(frame);
  frame.Push(Encapsulation::kGeneve);
  frame.Advance(reader.position());
  frame.ether_type = type;
  frame.next = Layer::kEtherType;
}

//  version (3 bits), type (1), reserved, E, S, PN | message type | length (2) | tunnel endpoint (4)
//  when any of E, S, PN: sequence (2) | N-PDU | type of the next extension
void DecodeGtpU(Frame& frame) noexcept {
  ByteReader reader(frame.bytes);
  const std::uint8_t flags = reader.U8();
  const std::uint8_t message = reader.U8();
  const std::uint16_t length = reader.U16Be();
  reader.Skip(4);
  if (!reader.ok() || (flags & 0xf0) != 0x30 || message != 255) return LeaveTunnel(frame);
  std::uint8_t extension = 0;
  if ((flags & 7) != 0) {
    reader.Skip(3);
    extension = reader.U8();
  }
  if ((flags & 4) == 0) extension = 0;
  while (extension != 0 && reader.ok()) {
    const std::size_t words = reader.U8();
    if (words == 0) return frame.Fail(Failure::kMalformed);
    reader.Skip(words * 4 - 2);
    extension = reader.U8();
  }
  if (!reader.ok() || length + 8u < reader.position()) return frame.Fail(Failure::kTruncated);
  frame.Push(Encapsulation::kGtpU);
  frame.Cut(length + 8u);
  frame.Advance(reader.position());
  frame.next = Layer::kIp;
}

}  // namespace spanwatch::decode
