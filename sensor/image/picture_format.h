// PictureFormat: what the sensor knows of one format of pictures (formats.def). Carving asks for its beginning and its
// walk, the image data family for its image data, the perceptual family and enrolment for its decoder; each asks the
// table, so that a format is one file and one line. Pure functions, safe from any thread; a walker is one thread's.
#pragma once

#include <memory>
#include <string_view>

#include "image/picture_decoder.h"
#include "image/sniff.h"

namespace spanwatch::image {

// The bytes at the beginning of what was given to PictureWalker::Next, up to the next change of kind.
struct PictureRun {
  enum class Kind : std::uint8_t {
    kOther,  // metadata, and what only holds the file together
    kData,   // image data
    kTable   // what else its pixels depend on
  };
  // kNext: another file of the format begins here; its first byte, 0xFF, was the one before.
  enum class Outcome : std::uint8_t { kMore, kEnded, kBroken, kNext };
  std::size_t length = 0;  // at least 1 while the outcome is kMore
  Kind kind = Kind::kOther;
  Outcome outcome = Outcome::kMore;
};

// Follows the structure of one file over a stream in any split, without looking into its image data.
class PictureWalker {
 public:
  virtual ~PictureWalker() = default;
  // REQUIRES: at least one byte, and kMore so far
  virtual PictureRun Next(ByteView bytes) noexcept = 0;
  // So many bytes are missing; false when nothing can be said of what follows.
  virtual bool Gap(std::uint64_t length) noexcept = 0;
  // The scans that have begun, of a picture that comes in ever finer scans; else 0.
  virtual int progressive_scans() const { return 0; }
};

struct PictureFormat {
  FileType type;
  std::string_view name;  // of the step that carving adds to the way of an object: "carved png"
  // The file begins like one of this format. `head`: kSniffBytes of it, or all.
  bool (*begins)(ByteView head) noexcept;
  // And what follows its magic makes sense, too: for where one may begin amid other bytes.
  bool (*plausible)(ByteView head) noexcept;
  std::unique_ptr<PictureWalker> (*walk)();
  // As DecodePicture (image/picture_decoder.h).
  PictureOutcome (*decode)(ByteView file, const PictureLimits& limits) noexcept;
};

#define FORMAT(name) extern const PictureFormat k##name##Format;
#include "image/formats.def"
#undef FORMAT

// Null for what is no picture, or of a format that is not read.
const PictureFormat* FormatOf(FileType type) noexcept;
const PictureFormat* SniffFormat(ByteView head) noexcept;

}  // namespace spanwatch::image
