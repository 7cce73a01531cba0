// WebP (RFC 9649): a RIFF container of chunks. Image data are the payloads of those that hold pixels: VP8 and VP8L, the
// transparency of the former, frames of an animation. libwebp decodes it to luminance and chrominance; of an animation
// the first frame. Transparency and the orientation in metadata are ignored.
#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <array>

#include "base/byte_reader.h"
#include "image/field_walker.h"
#include "image/plane_builder.h"

namespace spanwatch::image {
namespace {

using namespace std::string_view_literals;

class WebpWalker final : public FieldWalker {
 public:
  WebpWalker() : FieldWalker(kFileHead) {}

 protected:
  Outcome Advance(ByteView fields) noexcept override {
    ByteReader reader(fields);
    if (fields.size() == kFileHead) {
      reader.Skip(4);
      left_in_file_ = reader.U32Le();
      if (left_in_file_ < 4 + kChunkHead) return Outcome::kBroken;
      left_in_file_ -= 4;
    } else if (!fields.empty()) {
      const std::string_view type = AsText(reader.Take(4));
      const std::uint64_t length = reader.U32Le();
      left_in_file_ -= kChunkHead;
      const std::uint64_t padded = std::min(length + length % 2, left_in_file_);
      left_in_file_ -= padded;
      Pass(padded, KindOf(type));
      return Outcome::kMore;
    }
    if (left_in_file_ < kChunkHead) return Outcome::kEnded;
    Gather(kChunkHead, Kind::kOther);
    return Outcome::kMore;
  }

 private:
  static constexpr std::size_t kFileHead = 12, kChunkHead = 8;

  static Kind KindOf(std::string_view type) {
    if (type == "VP8 " || type == "VP8L" || type == "ALPH" || type == "ANMF") return Kind::kData;
    return type == "VP8X" || type == "ANIM" ? Kind::kTable : Kind::kOther;
  }

  std::uint64_t left_in_file_ = 0;
};

struct FreeWebpDemuxer {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};
struct FreeWebpDecoder {
  void operator()(WebPIDecoder* decoder) const { WebPIDelete(decoder); }
};

// The chunks of the first frame; nothing where there is none. Points into the file.
ByteView FirstWebpFrame(ByteView file) {
  const WebPData data{file.data(), file.size()};
  const std::unique_ptr<WebPDemuxer, FreeWebpDemuxer> demuxer(WebPDemuxPartial(&data, nullptr));
  WebPIterator frame{};
  if (demuxer == nullptr || WebPDemuxGetFrame(demuxer.get(), 1, &frame) == 0) return {};
  const ByteView chunks(frame.fragment.bytes, frame.fragment.size);
  WebPDemuxReleaseIterator(&frame);
  return chunks;
}

// Luminance is written with 16 for black and 235 for white (ITU-R BT.601).
constexpr std::array<std::uint8_t, 256> FullRangeLuma() {
  std::array<std::uint8_t, 256> full{};
  for (int y = 0; y < 256; ++y)
    full[static_cast<std::size_t>(y)] = static_cast<std::uint8_t>(std::clamp(((y - 16) * 255 + 109) / 219, 0, 255));
  return full;
}
constexpr std::array<std::uint8_t, 256> kFullRangeLuma = FullRangeLuma();

PictureOutcome DecodeWebp(ByteView file, const PictureLimits& limits) noexcept {
  const PictureOutcome unreadable{.plane = std::nullopt, .error = PictureError::kUnreadable};
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) return unreadable;
  if (WebPGetFeatures(file.data(), file.size(), &config.input) != VP8_STATUS_OK) return unreadable;
  if (config.input.has_animation != 0) {
    file = FirstWebpFrame(file);
    if (file.empty() || WebPGetFeatures(file.data(), file.size(), &config.input) != VP8_STATUS_OK) return unreadable;
  }
  const auto width = static_cast<std::uint32_t>(config.input.width);
  const auto height = static_cast<std::uint32_t>(config.input.height);
  // The planes, and what the lossless form is unpacked to, or the lossy one's rows and modes.
  constexpr int kLossless = 2;
  const std::uint64_t pixels = std::uint64_t{width} * height;
  const std::uint64_t held = pixels * (config.input.format == kLossless ? 12 : 4);
  if (const PictureError error = PlaneBuilder::Admit(width, height, held, limits); error != PictureError::kNone) {
    return {.plane = std::nullopt, .error = error};
  }
  PlaneBuilder builder(width, height, limits);
  config.output.colorspace = MODE_YUV;
  const std::unique_ptr<WebPIDecoder, FreeWebpDecoder> decoder(WebPIDecode(nullptr, 0, &config));
  if (decoder != nullptr) {
    WebPIUpdate(decoder.get(), file.data(), file.size());
    int rows = 0, stride = 0;
    const std::uint8_t* luminance =
        WebPIDecGetYUVA(decoder.get(), &rows, nullptr, nullptr, nullptr, nullptr, nullptr, &stride, nullptr, nullptr);
    std::vector<std::uint8_t> luma(width);
    const std::uint32_t end = luminance == nullptr ? 0 : std::min(static_cast<std::uint32_t>(rows), builder.end_row());
    for (std::uint32_t row = 0; row < end; ++row, luminance += stride) {
      std::transform(luminance, luminance + width, luma.begin(), [](std::uint8_t y) { return kFullRangeLuma[y]; });
      builder.Add(row, luma.data());
    }
  }
  PictureOutcome outcome = builder.Finish();
  WebPFreeDecBuffer(&config.output);
  return outcome;
}

bool BeginsWebp(ByteView head) noexcept {
  const std::string_view text = AsText(head);
  return text.size() >= 12 && text.starts_with("RIFF") && text.substr(8, 4) == "WEBP";
}

bool IsPlausibleWebp(ByteView head) noexcept {
  return BeginsWebp(head) && head.size() >= 16 && AsText(head.subspan(12)).starts_with("VP8");
}

}  // namespace

constinit const PictureFormat kWebpFormat = {
    .type = FileType::kWebp,
    .name = "webp",
    .begins = BeginsWebp,
    .plausible = IsPlausibleWebp,
    .walk = []() -> std::unique_ptr<PictureWalker> { return std::make_unique<WebpWalker>(); },
    .decode = DecodeWebp,
};

}  // namespace spanwatch::image
