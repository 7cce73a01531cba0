// ImageDataExtractor: the image data of a picture alone, whatever metadata stands around it, from a stream in any
// split.
//
// And what else its pixels depend on (tables, dimensions, colour space), so that the same picture is known again. What
// is image data, each format says (image/picture_format.h). One object each; not thread-safe; the views given to the
// callback live for its call.
#pragma once

#include "base/bytes.h"
#include "image/picture_format.h"

namespace spanwatch::image {

class ImageDataExtractor {
 public:
  explicit ImageDataExtractor(const PictureFormat& format) : walker_(format.walk()) {}

  // Calls take(ByteView, offset in `bytes`) for each run of image data.
  template <typename Take>
  void Update(ByteView bytes, Take&& take) noexcept {
    Update(bytes, take, [](ByteView) {});
  }
  // And take_table(ByteView) for each run of what else its pixels depend on.
  template <typename Take, typename TakeTable>
  void Update(ByteView bytes, Take&& take, TakeTable&& take_table) noexcept {
    std::size_t position = 0;
    while (outcome_ == PictureRun::Outcome::kMore && position < bytes.size()) {
      const PictureRun run = walker_->Next(bytes.subspan(position));
      outcome_ = run.outcome;
      const ByteView part = bytes.subspan(position, run.length);
      if (run.kind == PictureRun::Kind::kData) {
        any_ |= run.length > 0;
        take(part, position);
      }
      if (run.kind == PictureRun::Kind::kTable) take_table(part);
      position += run.length;
    }
  }
  // The picture's own end was seen, and image data before it.
  bool complete() const { return outcome_ == PictureRun::Outcome::kEnded && any_; }
  bool failed() const { return outcome_ != PictureRun::Outcome::kMore && outcome_ != PictureRun::Outcome::kEnded; }
  // As PictureWalker.
  int progressive_scans() const { return walker_->progressive_scans(); }

 private:
  std::unique_ptr<PictureWalker> walker_;
  PictureRun::Outcome outcome_ = PictureRun::Outcome::kMore;
  bool any_ = false;
};

}  // namespace spanwatch::image
