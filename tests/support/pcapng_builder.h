// PcapngBuilder: writes a pcapng file block by block, of either byte order, right or wrong as a test wants it.
#pragma once

#include <bit>

#include "base/byte_writer.h"

namespace spanwatch::testing {

class PcapngBuilder {
 public:
  struct Interface {
    std::uint16_t link_type = 1;
    std::uint32_t snap_length = 0;
    int resolution = -1;  // if_tsresol; -1: left out
    std::int64_t offset = 0;
  };

  explicit PcapngBuilder(bool big_endian = false) : big_endian_(big_endian) {}

  PcapngBuilder& Section() {
    ByteWriter body;
    Put(body, std::uint32_t{0x1a2b3c4d});
    Put(body, std::uint16_t{1});
    Put(body, std::uint16_t{0});
    Put(body, std::uint64_t{UINT64_MAX});
    return Block(0x0a0d0d0a, body.bytes());
  }
  // The blocks that follow are of this byte order; a section must be the next of them.
  PcapngBuilder& ByteOrder(bool big_endian) {
    big_endian_ = big_endian;
    return *this;
  }
  PcapngBuilder& Describe(const Interface& interface) {
    ByteWriter body;
    Put(body, interface.link_type);
    Put(body, std::uint16_t{0});
    Put(body, interface.snap_length);
    if (interface.resolution >= 0) {
      const Bytes value = {static_cast<std::uint8_t>(interface.resolution)};
      Option(body, 9, value);
    }
    if (interface.offset != 0) {
      ByteWriter value;
      Put(value, static_cast<std::uint64_t>(interface.offset));
      Option(body, 14, value.bytes());
    }
    Option(body, 0, {});
    return Block(1, body.bytes());
  }
  PcapngBuilder& Enhanced(std::uint32_t interface, std::uint64_t time, ByteView frame, std::uint32_t original = 0) {
    ByteWriter body;
    Put(body, interface);
    PutTime(body, time);
    PutFrame(body, frame, original);
    return Block(6, body.bytes());
  }
  PcapngBuilder& Obsolete(std::uint16_t interface, std::uint64_t time, ByteView frame, std::uint32_t original = 0) {
    ByteWriter body;
    Put(body, interface);
    Put(body, std::uint16_t{3});
    PutTime(body, time);
    PutFrame(body, frame, original);
    return Block(2, body.bytes());
  }
  PcapngBuilder& Simple(ByteView frame, std::uint32_t original) {
    ByteWriter body;
    Put(body, original);
    body.Raw(frame);
    return Block(3, body.bytes());
  }
  PcapngBuilder& Statistics(std::uint32_t interface, std::uint64_t drops) {
    ByteWriter body;
    Put(body, interface);
    PutTime(body, 0);
    ByteWriter value;
    Put(value, drops);
    Option(body, 5, value.bytes());
    return Block(5, body.bytes());
  }
  PcapngBuilder& Block(std::uint32_t type, ByteView body) {
    const std::size_t padding = (4 - body.size() % 4) % 4;
    const auto length = static_cast<std::uint32_t>(body.size() + padding + 12);
    Put(file_, type);
    Put(file_, length);
    file_.Raw(body);
    file_.Raw(Bytes(padding));
    Put(file_, length);
    return *this;
  }
  PcapngBuilder& Raw(ByteView bytes) {
    file_.Raw(bytes);
    return *this;
  }
  const Bytes& bytes() const { return file_.bytes(); }

 private:
  template <typename T>
  void Put(ByteWriter& to, T value) const {
    to.Le(big_endian_ ? std::byteswap(value) : value);
  }
  void PutTime(ByteWriter& to, std::uint64_t time) const {
    Put(to, static_cast<std::uint32_t>(time >> 32));
    Put(to, static_cast<std::uint32_t>(time));
  }
  void PutFrame(ByteWriter& to, ByteView frame, std::uint32_t original) const {
    Put(to, static_cast<std::uint32_t>(frame.size()));
    Put(to, original == 0 ? static_cast<std::uint32_t>(frame.size()) : original);
    to.Raw(frame);
  }
  void Option(ByteWriter& to, std::uint16_t code, ByteView value) const {
    Put(to, code);
    Put(to, static_cast<std::uint16_t>(value.size()));
    to.Raw(value);
    to.Raw(Bytes((4 - value.size() % 4) % 4));
  }

  bool big_endian_;
  ByteWriter file_;
};

}  // namespace spanwatch::testing
