#include "register/fingerprint_codec.h"

#include <algorithm>

#include "base/byte_reader.h"
#include "base/byte_writer.h"

namespace spanwatch::enrolment {
namespace {

constexpr std::uint8_t kFileVersion = 4;
constexpr std::uint8_t kFileVersionWithoutDetail = 3;  // still read
constexpr std::uint8_t kPictureVersion = 2;
constexpr std::uint8_t kMd5Version = 3;

void PutView(const PictureView& view, ByteWriter& writer) {
  for (const std::uint64_t word : view.hash.words) writer.Le(word);
  writer.Le(view.quality);
  writer.Le(static_cast<std::uint8_t>(view.view));
}

bool TakeView(ByteReader& reader, PictureView& view) {
  for (std::uint64_t& word : view.hash.words) word = reader.U64Le();
  view.quality = reader.U8();
  const auto kind = EnumFrom<View>(reader.U8());
  view.view = kind.value_or(View{});
  return reader.ok() && kind;
}

template <std::size_t kSize>
void TakeArray(ByteReader& reader, std::array<std::uint8_t, kSize>& array) {
  const ByteView bytes = reader.Take(kSize);
  std::copy(bytes.begin(), bytes.end(), array.begin());
}

std::unexpected<Error> Damaged() {
  return Fail(ErrorCode::kCorrupt, "a fingerprint in the register is damaged; restore the register from a copy");
}

}  // namespace

Bytes EncodeFile(const FileFingerprint& file) {
  ByteWriter writer;
  writer.Le(kFileVersion);
  writer.Le(file.size);
  writer.Raw(file.sha256);
  writer.Raw(file.md5);
  writer.Le(file.crc32);
  writer.Raw(file.xxh3_128);
  writer.Le(file.head_xxh3);
  writer.Le(static_cast<std::uint8_t>(file.image_data.has_value()));
  if (file.image_data) writer.Raw(*file.image_data);
  writer.Le(file.image_head_xxh3);
  writer.Le(static_cast<std::uint16_t>(file.views.size()));
  for (const PictureView& view : file.views) PutView(view, writer);
  writer.Le(static_cast<std::uint8_t>(file.detail.has_value()));
  if (file.detail) {
    for (const std::uint64_t word : file.detail->words) writer.Le(word);
  }
  writer.Le(static_cast<std::uint32_t>(file.fragments.size()));
  for (const FragmentPrint& fragment : file.fragments) {
    writer.Le(fragment.offset);
    writer.Le(fragment.hash);
  }
  return writer.Release();
}

Result<FileFingerprint> DecodeFile(ByteView bytes) {
  ByteReader reader(bytes);
  FileFingerprint file;
  const std::uint8_t version = reader.U8();
  if (version != kFileVersion && version != kFileVersionWithoutDetail) return Damaged();
  file.size = reader.U64Le();
  TakeArray(reader, file.sha256);
  TakeArray(reader, file.md5);
  file.crc32 = reader.U32Le();
  TakeArray(reader, file.xxh3_128);
  file.head_xxh3 = reader.U64Le();
  if (reader.U8() != 0) TakeArray(reader, file.image_data.emplace());
  file.image_head_xxh3 = reader.U64Le();
  for (std::uint16_t count = reader.U16Le(); count > 0; --count) {
    if (!TakeView(reader, file.views.emplace_back())) return Damaged();
  }
  if (version != kFileVersionWithoutDetail && reader.U8() != 0) {
    for (std::uint64_t& word : file.detail.emplace().words) word = reader.U64Le();
  }
  const std::uint32_t fragments = reader.U32Le();
  if (!reader.ok() || reader.remaining() != fragments * std::uint64_t{16}) return Damaged();
  file.fragments.resize(fragments);
  for (FragmentPrint& fragment : file.fragments) {
    fragment.offset = reader.U64Le();
    fragment.hash = reader.U64Le();
  }
  return file;
}

Bytes EncodePicture(const PictureView& view) {
  ByteWriter writer;
  writer.Le(kPictureVersion);
  PutView(view, writer);
  return writer.Release();
}

Result<PictureView> DecodePicture(ByteView bytes) {
  ByteReader reader(bytes);
  PictureView view;
  if (reader.U8() != kPictureVersion || !TakeView(reader, view) || reader.remaining() != 0) return Damaged();
  return view;
}

Bytes EncodeMd5(const Md5Digest& md5) {
  ByteWriter writer;
  writer.Le(kMd5Version);
  writer.Raw(md5);
  return writer.Release();
}

Result<Md5Digest> DecodeMd5(ByteView bytes) {
  ByteReader reader(bytes);
  Md5Digest md5{};
  if (reader.U8() != kMd5Version) return Damaged();
  TakeArray(reader, md5);
  if (!reader.ok() || reader.remaining() != 0) return Damaged();
  return md5;
}

}  // namespace spanwatch::enrolment
