// Encrypted zip archives by their headers (APPNOTE.TXT): ciphertext is noise, since nobody looks at it.
#pragma once

#include "support/content_samples.h"

namespace spanwatch::testing {

enum class ZipEncryption { kNone, kZipCrypto, kAe1, kAe2 };

struct ZipEntry {
  std::string name;
  std::uint64_t size = 0;
  std::uint32_t crc32 = 0;
  ZipEncryption encryption = ZipEncryption::kZipCrypto;
  bool streamed = false;  // sizes and CRC-32 follow the data
  bool zip64 = false;
};

inline std::string LittleEndian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(i < 8 ? value >> (8 * i) : 0);
  return text;
}

class ZipBuilder {
 public:
  void Add(const ZipEntry& entry) {
    const bool aes = entry.encryption == ZipEncryption::kAe1 || entry.encryption == ZipEncryption::kAe2;
    const std::uint64_t packed = entry.size + (aes ? 28 : entry.encryption == ZipEncryption::kNone ? 0 : 12);
    const std::uint32_t crc32 = entry.encryption == ZipEncryption::kAe2 ? 0 : entry.crc32;
    std::string extra;
    if (aes)
      extra += LittleEndian(0x9901, 2) + LittleEndian(7, 2) +
               LittleEndian(entry.encryption == ZipEncryption::kAe1 ? 1 : 2, 2) + "AE\3" + LittleEndian(0, 2);
    const auto fields = [&](std::uint32_t digest, std::uint64_t stored, std::uint64_t size) {
      std::string more = extra;
      const bool wide = entry.zip64 && stored != 0;
      if (wide) more += LittleEndian(1, 2) + LittleEndian(16, 2) + LittleEndian(size, 8) + LittleEndian(stored, 8);
      const std::uint16_t flags = (entry.encryption == ZipEncryption::kNone ? 0 : 1) | (entry.streamed ? 8 : 0);
      return std::pair(LittleEndian(flags, 2) + LittleEndian(aes ? 99 : 0, 2) + LittleEndian(0x4e8d1234, 4) +
                           LittleEndian(digest, 4) + LittleEndian(wide ? 0xffffffff : stored, 4) +
                           LittleEndian(wide ? 0xffffffff : size, 4) + LittleEndian(entry.name.size(), 2) +
                           LittleEndian(more.size(), 2),
                       entry.name + more);
    };
    const auto [local, local_end] = entry.streamed ? fields(0x12340000, 0, 0) : fields(crc32, packed, entry.size);
    begins_.push_back(text_.size());
    text_ += "PK\3\4" + LittleEndian(20, 2) + local + local_end + Noise(begins_.size()).Take(packed);
    if (entry.streamed) {
      const int width = entry.zip64 ? 8 : 4;
      text_ += "PK\7\x8" + LittleEndian(crc32, 4) + LittleEndian(packed, width) + LittleEndian(entry.size, width);
    }
    const auto [central, central_end] = fields(crc32, packed, entry.size);
    directory_ += "PK\1\2" + LittleEndian(63, 2) + LittleEndian(20, 2) + central + LittleEndian(0, 10) +
                  LittleEndian(begins_.back(), 4) + central_end;
  }
  // Offset of the local header of entry `number`, from 0.
  std::size_t BeginOf(std::size_t number) const { return begins_[number]; }
  std::size_t directory_offset() const { return text_.size(); }
  std::string Whole() const {
    return text_ + directory_ + "PK\5\6" + LittleEndian(0, 4) + LittleEndian(begins_.size(), 2) +
           LittleEndian(begins_.size(), 2) + LittleEndian(directory_.size(), 4) + LittleEndian(text_.size(), 4) +
           LittleEndian(0, 2);
  }

 private:
  std::string text_;
  std::string directory_;
  std::vector<std::size_t> begins_;
};

}  // namespace spanwatch::testing
