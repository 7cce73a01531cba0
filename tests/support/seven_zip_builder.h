// 7z archives by their structures (7zFormat.txt): one solid folder whose ciphertext is noise, and an index that is
// plain or packed with LZMA.
#pragma once

#include <lzma.h>

#include "support/zip_builder.h"

namespace spanwatch::testing {

struct SevenZipFile {
  std::string name;
  std::uint64_t size = 0;
  std::uint32_t crc32 = 0;
  bool empty = false;  // a folder: no content
};

class SevenZipBuilder {
 public:
  bool encrypted = true;
  bool pack_index = true;
  bool encrypt_index = false;  // packed, and by a coder that needs the password
  std::size_t data_bytes = 5000;
  std::string content;                 // of one file, which is neither packed nor encrypted
  std::optional<std::uint32_t> modes;  // attributes of every file, as Windows and Unix write them

  std::string Make(const std::vector<SevenZipFile>& files) const {
    const std::string data = content.empty() ? Noise(7).Take(data_bytes) : content;
    std::string index = Index(files);
    std::string body = data;
    if (pack_index || encrypt_index) {
      const std::string packed = Lzma(index);
      body += packed;
      index = "\x17" + PackInfo(data.size(), packed.size()) + UnpackInfo(encrypt_index, index.size()) + Byte(0);
    }
    std::string start = LittleEndian(body.size(), 8) + LittleEndian(index.size(), 8) + LittleEndian(Crc(index), 4);
    return std::string("7z\xbc\xaf\x27\x1c\0\4", 8) + LittleEndian(Crc(start), 4) + start + body + index;
  }

 private:
  static std::string Byte(int value) { return std::string(1, static_cast<char>(value)); }
  static std::uint32_t Crc(const std::string& text) {
    return static_cast<std::uint32_t>(
        ::crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size())));
  }
  static std::string Number(std::uint64_t value) {
    return value < 0x80 ? Byte(static_cast<int>(value)) : "\xff" + LittleEndian(value, 8);
  }
  static std::string PackInfo(std::uint64_t offset, std::uint64_t size) {
    return "\6" + Number(offset) + Number(1) + "\x09" + Number(size) + Byte(0);
  }
  // One folder: LZMA alone, or behind AES (6F10701, output 0) that no other coder takes.
  std::string UnpackData(std::uint64_t size) const {
    const std::string copy = std::string("\1\0", 2);
    return content.empty() ? UnpackInfo(encrypted, size)
                           : "\7\x0b" + Number(1) + Byte(0) + Number(1) + copy + "\x0c" + Number(size) + Byte(0);
  }
  static std::string UnpackInfo(bool aes, std::uint64_t size) {
    const std::string properties = std::string("\x5d\0\0\x10\0", 5);
    const std::string lzma = "\x23\3\1\1" + Number(properties.size()) + properties;
    std::string info = "\7\x0b" + Number(1) + Byte(0);
    info += aes ? Number(2) + "\x24\6\xf1\7\1" + Number(2) + std::string("\x53\7", 2) + lzma + Number(1) + Number(0)
                : Number(1) + lzma;
    info += "\x0c";
    if (aes) info += Number(size + 16);
    return info + Number(size) + Byte(0);
  }
  std::string Index(const std::vector<SevenZipFile>& files) const {
    std::string sizes;
    std::string digests;
    std::string names;
    std::uint64_t total = 0;
    std::uint64_t streams = 0;
    std::vector<std::uint8_t> empty((files.size() + 7) / 8);
    for (std::size_t i = 0; i < files.size(); ++i) {
      for (const char c : files[i].name) names += c + Byte(0);
      names += std::string(2, '\0');
      if (files[i].empty) {
        empty[i / 8] |= static_cast<std::uint8_t>(0x80 >> i % 8);
        continue;
      }
      if (streams++ > 0) sizes += Number(last_);
      last_ = files[i].size;
      total += files[i].size;
      digests += LittleEndian(files[i].crc32, 4);
    }
    const std::string empties(empty.begin(), empty.end());
    std::string attributes;
    if (modes) {
      attributes = "\x15" + Number(files.size() * 4 + 2) + Byte(1) + Byte(0);
      for (std::size_t i = 0; i < files.size(); ++i) attributes += LittleEndian(*modes, 4);
    }
    const std::size_t packed = content.empty() ? data_bytes : content.size();
    return "\1\4" + PackInfo(0, packed) + UnpackData(total) + "\x08\x0d" + Number(streams) + "\x09" + sizes + "\x0a\1" +
           digests + Byte(0) + Byte(0) + "\5" + Number(files.size()) + "\x0e" + Number(empties.size()) + empties +
           "\x11" + Number(names.size() + 1) + Byte(0) + names + attributes + Byte(0) + Byte(0);
  }
  static std::string Lzma(const std::string& text) {
    lzma_options_lzma options;
    lzma_lzma_preset(&options, 6);
    options.dict_size = 1 << 20;
    const lzma_filter filters[] = {{LZMA_FILTER_LZMA1, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
    std::string out(text.size() + 4096, '\0');
    std::size_t used = 0;
    lzma_raw_buffer_encode(filters, nullptr, reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                           reinterpret_cast<std::uint8_t*>(out.data()), &used, out.size());
    out.resize(used);
    return out;
  }

  mutable std::uint64_t last_ = 0;  // size of the stream before
};

}  // namespace spanwatch::testing
