// FieldWalker: a PictureWalker of a format whose structure is fields of known length and runs of known length between
// them, which most are. The format's own class says after each of them what comes next. One thread each.
#pragma once

#include <algorithm>
#include <array>

#include "image/picture_format.h"

namespace spanwatch::image {

class FieldWalker : public PictureWalker {
 public:
  PictureRun Next(ByteView bytes) noexcept final {
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    PictureRun run{.length = length, .kind = kind_};
    if (gathers_) filled_ = std::copy_n(bytes.begin(), length, fields_.begin() + filled_) - fields_.begin();
    left_ -= length;
    while (left_ == 0 && run.outcome == Outcome::kMore) {
      const ByteView fields = ByteView(fields_).first(gathers_ ? static_cast<std::size_t>(filled_) : 0);
      gathers_ = false;
      run.outcome = Advance(fields);
    }
    return run;
  }
  // A gap in a run leaves the structure known.
  bool Gap(std::uint64_t length) noexcept override {
    if (gathers_ || length >= left_) return false;
    left_ -= length;
    return true;
  }

 protected:
  using Outcome = PictureRun::Outcome;
  using Kind = PictureRun::Kind;
  static constexpr std::size_t kFieldsMax = 144;

  explicit FieldWalker(std::size_t first_fields) { Gather(first_fields, Kind::kTable); }

  // Called with the fields that Gather asked for, or with nothing after what Pass passed. Asks for what comes next,
  // unless it answers that the file ends.
  virtual Outcome Advance(ByteView fields) noexcept = 0;
  // REQUIRES: length from 1 to kFieldsMax
  void Gather(std::size_t length, Kind kind) {
    gathers_ = true;
    filled_ = 0;
    left_ = length;
    kind_ = kind;
  }
  void Pass(std::uint64_t length, Kind kind) {
    left_ = length;
    kind_ = kind;
  }

 private:
  bool gathers_ = false;
  Kind kind_ = Kind::kOther;
  std::uint64_t left_ = 0;
  std::ptrdiff_t filled_ = 0;
  std::array<std::uint8_t, kFieldsMax> fields_;  // left as it is until it is filled
};

}  // namespace spanwatch::image
