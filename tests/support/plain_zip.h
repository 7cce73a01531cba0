// A zip in clear, record by record (APPNOTE.TXT 4.3), whose headers can be made to lie before it is put together.
#pragma once

#include "support/zip_builder.h"

namespace spanwatch::testing {

class PlainZip {
 public:
  struct Entry {
    std::string local;  // local header, name included
    std::string data;
    std::string behind;   // data descriptor
    std::string central;  // header of the directory, name included; its offset is filled in
    bool in_row = true;   // written among the members
    bool listed = true;   // in the directory
  };

  static std::uint32_t Crc(const std::string& text) {
    return static_cast<std::uint32_t>(
        ::crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size())));
  }
  // method: 0 stored, 8 deflated; `packed` is what another method made.
  Entry& Add(const std::string& name, const std::string& content, int method = 8, std::string packed = "") {
    if (method == 0) packed = content;
    if (method == 8 && packed.empty()) packed = Deflate(content, -15);
    const std::string fields = LittleEndian(0, 2) + LittleEndian(static_cast<std::uint64_t>(method), 2) +
                               LittleEndian(0x4e8d1234, 4) + LittleEndian(Crc(content), 4) +
                               LittleEndian(packed.size(), 4) + LittleEndian(content.size(), 4) +
                               LittleEndian(name.size(), 2) + LittleEndian(0, 2);
    entries.push_back(
        {.local = "PK\3\4" + LittleEndian(20, 2) + fields + name,
         .data = packed,
         .behind = "",
         .central = "PK\1\2" + LittleEndian(20, 2) + LittleEndian(20, 2) + fields + LittleEndian(0, 14) + name});
    return entries.back();
  }
  // Fields of both headers, by their offset in the local one.
  static constexpr std::size_t kFlags = 6, kMethod = 8, kCrc = 14, kPacked = 18, kSize = 22;
  static void Lie(std::string& local, std::size_t field, std::uint64_t value, int bytes) {
    local.replace(field, static_cast<std::size_t>(bytes), LittleEndian(value, bytes));
  }

  std::string Whole(const std::string& before = "", const std::string& comment = "") const {
    std::string text = before;
    std::string directory;
    std::uint64_t listed = 0;
    for (Entry entry : entries) {
      entry.central.replace(42, 4, LittleEndian(text.size() - before.size(), 4));
      if (entry.in_row) text += entry.local + entry.data + entry.behind;
      if (entry.listed) directory += entry.central;
      listed += entry.listed ? 1 : 0;
    }
    const std::uint64_t offset = text.size() - before.size();
    return text + directory + "PK\5\6" + LittleEndian(0, 4) + LittleEndian(listed, 2) + LittleEndian(listed, 2) +
           LittleEndian(directory.size(), 4) + LittleEndian(offset, 4) + LittleEndian(comment.size(), 2) + comment;
  }

  std::vector<Entry> entries;
};

}  // namespace spanwatch::testing
