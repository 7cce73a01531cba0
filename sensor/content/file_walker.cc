#include "content/file_walker.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "base/byte_reader.h"

namespace spanwatch::content {
namespace {

// A record that claims more hides what follows it.
constexpr std::uint64_t kLongestRecord = 65536;

}  // namespace

Walk ZipDirectoryWalker::Step(ByteView bytes) {
  std::size_t i = 0;
  while (i < bytes.size() || (last_ && skip_ == 0)) {
    if (skip_ > 0) {
      const std::size_t skipped = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, bytes.size() - i));
      i += skipped;
      skip_ -= skipped;
      continue;
    }
    if (last_) return {i, Walk::Outcome::kEnded};
    record_[have_++] = bytes[i++];
    if (have_ == need_ && !Measure()) return {i - std::min(i, need_), Walk::Outcome::kBroken};
  }
  return {i, Walk::Outcome::kMore};
}

bool ZipDirectoryWalker::Measure() {
  struct Kind {
    std::uint32_t signature;
    std::size_t fixed;
  };
  // Central header, zip64 end record and its locator, digital signature, extra data, end record.
  constexpr Kind kKinds[] = {{0x02014b50, 46}, {0x06064b50, 12}, {0x07064b50, 20},
                             {0x05054b50, 6},  {0x08064b50, 8},  {0x06054b50, 22}};
  ByteReader reader({record_, have_});
  const std::uint32_t signature = reader.U32Le();
  const auto* kind = std::ranges::find(kKinds, signature, &Kind::signature);
  if (kind == std::end(kKinds)) return false;
  if (have_ < kind->fixed) {
    need_ = kind->fixed;
    return true;
  }
  const ByteView rest = reader.rest();
  ByteReader fields(rest);
  switch (signature) {
    case 0x02014b50:
      fields.Skip(24);
      for (int i = 0; i < 3; ++i) skip_ += fields.U16Le();  // name, extra field, comment
      break;
    case 0x06064b50:
      skip_ = fields.U64Le();
      break;
    case 0x05054b50:
      skip_ = fields.U16Le();
      break;
    case 0x08064b50:
      skip_ = fields.U32Le();
      break;
    case 0x06054b50:
      last_ = true;  // readers look for the last end record: what calls itself a comment may be another archive
      break;
    default:
      break;
  }
  have_ = 0;
  need_ = 4;
  return skip_ <= 3 * kLongestRecord;
}

}  // namespace spanwatch::content
