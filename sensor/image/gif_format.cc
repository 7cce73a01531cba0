// GIF (GIF89a specification): a screen, a colour table, then blocks: extensions and frames of LZW data in sub-blocks, a
// trailer. Image data are the sub-blocks of all frames. giflib decodes the first frame that fills half of the screen:
// an animation may begin with a dot. Transparency is ignored.
#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "image/field_walker.h"
#include "image/plane_builder.h"

namespace spanwatch::image {
namespace {

constexpr std::size_t kScreenBytes = 13, kFrameBytes = 9;
constexpr int kFramesPassed = 64;  // at most, before one is taken

std::uint64_t ColourTableBytes(std::uint8_t packed) { return (packed & 0x80) != 0 ? 3u << ((packed & 7) + 1) : 0; }

class GifWalker final : public FieldWalker {
 public:
  GifWalker() : FieldWalker(kScreenBytes) {}

 protected:
  Outcome Advance(ByteView fields) noexcept override {
    switch (state_) {
      case State::kScreen:
        state_ = State::kBlockStart;
        Pass(ColourTableBytes(fields[10]), Kind::kTable);
        return Outcome::kMore;
      case State::kBlockStart:
        if (fields.empty()) {
          Gather(1, Kind::kTable);
          return Outcome::kMore;
        }
        return Block(fields[0]);
      case State::kLabel:
        StartSubBlocks(Kind::kOther);
        return Outcome::kMore;
      case State::kFrame:
        state_ = State::kCodeSize;
        Pass(ColourTableBytes(fields[8]), Kind::kTable);
        return Outcome::kMore;
      case State::kCodeSize:
        if (fields.empty())
          Gather(1, Kind::kTable);
        else
          StartSubBlocks(Kind::kData);
        return Outcome::kMore;
      case State::kSubBlock:
        if (fields.empty()) {
          Gather(1, Kind::kOther);
        } else if (fields[0] > 0) {
          Pass(fields[0], sub_blocks_);
        } else {
          state_ = State::kBlockStart;
          Gather(1, Kind::kTable);
        }
        return Outcome::kMore;
    }
    return Outcome::kBroken;
  }

 private:
  enum class State : std::uint8_t { kScreen, kBlockStart, kLabel, kFrame, kCodeSize, kSubBlock };

  Outcome Block(std::uint8_t kind) {
    switch (kind) {
      case 0x3B:
        return Outcome::kEnded;
      case 0x21:
        state_ = State::kLabel;
        Gather(1, Kind::kOther);
        return Outcome::kMore;
      case 0x2C:
        state_ = State::kFrame;
        Gather(kFrameBytes, Kind::kTable);
        return Outcome::kMore;
      case 0:  // some writers end a block twice
        Gather(1, Kind::kTable);
        return Outcome::kMore;
      default:
        return Outcome::kBroken;
    }
  }
  void StartSubBlocks(Kind kind) {
    state_ = State::kSubBlock;
    sub_blocks_ = kind;
    Gather(1, Kind::kOther);
  }

  State state_ = State::kScreen;
  Kind sub_blocks_ = Kind::kOther;
};

// What giflib reads from.
struct GifInput {
  ByteView left;
};

int ReadGifInput(GifFileType* gif, GifByteType* out, int length) {
  auto& input = *static_cast<GifInput*>(gif->UserData);
  const std::size_t taken = std::min(input.left.size(), static_cast<std::size_t>(std::max(length, 0)));
  if (taken > 0) std::memcpy(out, input.left.data(), taken);
  input.left = input.left.subspan(taken);
  return static_cast<int>(taken);
}

struct CloseGif {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};
using Gif = std::unique_ptr<GifFileType, CloseGif>;

bool PassGifExtension(GifFileType* gif) {
  int code = 0;
  GifByteType* block = nullptr;
  bool well = DGifGetExtension(gif, &code, &block) == GIF_OK;
  while (well && block != nullptr) well = DGifGetExtensionNext(gif, &block) == GIF_OK;
  return well;
}

bool PassGifFrame(GifFileType* gif) {
  int code_size = 0;
  GifByteType* block = nullptr;
  bool well = DGifGetCode(gif, &code_size, &block) == GIF_OK;
  while (well && block != nullptr) well = DGifGetCodeNext(gif, &block) == GIF_OK;
  return well;
}

bool FillsGifScreen(const GifFileType& gif) {
  const auto area = [](GifWord width, GifWord height) {
    return static_cast<std::uint64_t>(std::max(width, 0)) * static_cast<std::uint64_t>(std::max(height, 0));
  };
  return area(gif.Image.Width, gif.Image.Height) * 2 >= area(gif.SWidth, gif.SHeight);
}

// Reads on to the head of the frame that is taken; false where there is none.
bool FindGifFrame(GifFileType* gif, bool fills_screen) {
  for (int passed = 0; passed < kFramesPassed;) {
    GifRecordType record = UNDEFINED_RECORD_TYPE;
    if (DGifGetRecordType(gif, &record) != GIF_OK) return false;
    if (record == EXTENSION_RECORD_TYPE) {
      if (!PassGifExtension(gif)) return false;
    } else if (record == IMAGE_DESC_RECORD_TYPE) {
      if (DGifGetImageDesc(gif) != GIF_OK) return false;
      if (!fills_screen || FillsGifScreen(*gif)) return true;
      if (!PassGifFrame(gif)) return false;
      ++passed;
    } else {
      return false;
    }
  }
  return false;
}

Gif OpenGif(GifInput& input, bool fills_screen) {
  Gif gif(DGifOpen(&input, ReadGifInput, nullptr));
  if (gif != nullptr && !FindGifFrame(gif.get(), fills_screen)) gif.reset();
  return gif;
}

// Of an index.
using GifPalette = std::array<std::uint8_t, 256>;
bool MakeGifPalette(const GifFileType& gif, GifPalette& palette) {
  const ColorMapObject* map = gif.Image.ColorMap != nullptr ? gif.Image.ColorMap : gif.SColorMap;
  if (map == nullptr) return false;
  const std::size_t count = std::min(palette.size(), static_cast<std::size_t>(std::max(map->ColorCount, 0)));
  for (std::size_t i = 0; i < count; ++i) {
    palette[i] = LumaOf(map->Colors[i].Red, map->Colors[i].Green, map->Colors[i].Blue);
  }
  return true;
}

// Calls on_row(row, indexes) for each row that is there, in the order of the file: of an interlaced frame every eighth
// row comes first, then those halfway between, and so on.
template <typename OnRow>
void ReadGifRows(GifFileType* gif, std::uint32_t end, OnRow&& on_row) {
  std::vector<GifPixelType> indexes(static_cast<std::size_t>(gif->Image.Width));
  const auto height = static_cast<std::uint32_t>(gif->Image.Height);
  struct Pass {
    std::uint32_t first, step;
  };
  constexpr Pass kInterlaced[] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};
  constexpr Pass kPlain[] = {{0, 1}};
  const std::span<const Pass> passes = gif->Image.Interlace ? std::span<const Pass>(kInterlaced) : kPlain;
  for (const Pass& pass : passes) {
    for (std::uint32_t row = pass.first; row < (gif->Image.Interlace ? height : end); row += pass.step) {
      if (DGifGetLine(gif, indexes.data(), gif->Image.Width) != GIF_OK) return;
      on_row(row, indexes);
    }
  }
}

PictureOutcome DecodeGif(ByteView file, const PictureLimits& limits) noexcept {
  const PictureOutcome unreadable{.plane = std::nullopt, .error = PictureError::kUnreadable};
  GifInput input{file};
  Gif gif = OpenGif(input, true);
  if (gif == nullptr) {
    input.left = file;
    gif = OpenGif(input, false);
  }
  GifPalette palette{};
  if (gif == nullptr || gif->Image.Width <= 0 || gif->Image.Height <= 0 || !MakeGifPalette(*gif, palette)) {
    return unreadable;
  }
  const auto width = static_cast<std::uint32_t>(gif->Image.Width);
  const auto height = static_cast<std::uint32_t>(gif->Image.Height);
  const std::uint64_t pixels = std::uint64_t{width} * height;
  const std::uint64_t held = 2 * std::uint64_t{width} + (gif->Image.Interlace ? pixels : 0);
  if (const PictureError error = PlaneBuilder::Admit(width, height, held, limits); error != PictureError::kNone) {
    return {.plane = std::nullopt, .error = error};
  }
  PlaneBuilder builder(width, height, limits);
  std::vector<std::uint8_t> luma(gif->Image.Interlace ? pixels : width, 128);
  std::uint32_t rows = 0;
  ReadGifRows(gif.get(), builder.end_row(), [&](std::uint32_t row, const std::vector<GifPixelType>& indexes) {
    std::uint8_t* out = luma.data() + (gif->Image.Interlace ? std::size_t{row} * width : 0);
    std::ranges::transform(indexes, out, [&](GifPixelType index) { return palette[index]; });
    if (!gif->Image.Interlace) builder.Add(row, out);
    ++rows;
  });
  if (!gif->Image.Interlace || rows == 0) return builder.Finish();
  for (std::uint32_t row = 0; row < height; ++row) builder.Add(row, luma.data() + std::size_t{row} * width);
  return builder.Finish(static_cast<float>(rows) / static_cast<float>(height));
}

bool BeginsGif(ByteView head) noexcept {
  return AsText(head).starts_with("GIF87a") || AsText(head).starts_with("GIF89a");
}

bool IsPlausibleGif(ByteView head) noexcept {
  return head.size() >= kScreenBytes && BeginsGif(head) && (head[6] | head[7]) != 0 && (head[8] | head[9]) != 0;
}

}  // namespace

constinit const PictureFormat kGifFormat = {
    .type = FileType::kGif,
    .name = "gif",
    .begins = BeginsGif,
    .plausible = IsPlausibleGif,
    .walk = []() -> std::unique_ptr<PictureWalker> { return std::make_unique<GifWalker>(); },
    .decode = DecodeGif,
};

}  // namespace spanwatch::image
