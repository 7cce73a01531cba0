// MadeUpItems: images and plate records as numbers alone, for registers of any size: what enrolment would keep of item
// `n` follows from n, so that it can be registered, asked for again, and told from others. Used by bench_scale.
//
// Pictures are those of cameras of 100,000 frames: frames of one lie 84 bits apart on average, views of a picture 32
// from it. Files have 60 to 200 kB, and as many windows as are asked for. Values; any thread.
#pragma once

#include "model/fingerprint.h"

namespace spanwatch::bench {

// splitmix64
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) { state_ = (*this)(); }  // mixed: seeds may follow one another
  std::uint64_t operator()() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  // Each bit set with a chance of 1/8.
  std::uint64_t Eighths() {
    const std::uint64_t once = (*this)();
    const std::uint64_t twice = once & (*this)();
    return twice & (*this)();
  }
  template <std::size_t kSize>
  void Fill(std::array<std::uint8_t, kSize>& bytes) {
    for (std::size_t i = 0; i < kSize; ++i) bytes[i] = static_cast<std::uint8_t>((*this)() >> 7);
  }

 private:
  std::uint64_t state_;
};

struct MadeUpItems {
  std::uint64_t images = 0;
  std::uint64_t views = 1;     // of each image, the whole picture included
  std::uint64_t windows = 16;  // of each image
  std::uint64_t records = 0;

  static constexpr std::uint64_t kFramesPerCamera = 100'000;
  static constexpr std::size_t kPairs = 3;  // of each record
  static constexpr std::uint64_t kRecordSeed = std::uint64_t{1} << 40;
  static constexpr std::uint64_t kCameraSeed = std::uint64_t{1} << 41;

  FileFingerprint Image(std::uint64_t number) const {
    Dice dice(number);
    FileFingerprint file{.size = 60'000 + dice() % 140'000, .crc32 = static_cast<std::uint32_t>(dice())};
    file.head_xxh3 = dice();
    file.image_head_xxh3 = dice();
    dice.Fill(file.sha256);
    dice.Fill(file.image_data.emplace());
    Dice camera(kCameraSeed + number / kFramesPerCamera);
    PictureView whole{.quality = 90};
    for (std::uint64_t& word : whole.hash.words) word = camera() ^ dice.Eighths() ^ dice.Eighths();
    file.views.push_back(whole);
    for (std::uint64_t i = 1; i < views; ++i) {
      PictureView view{.quality = 90, .view = View::kOffsetCrop};
      for (std::size_t w = 0; w < 4; ++w) view.hash.words[w] = whole.hash.words[w] ^ dice.Eighths();
      file.views.push_back(view);
    }
    for (std::uint64_t i = 0; i < windows; ++i) file.fragments.push_back({i * file.size / windows, dice()});
    return file;
  }

  RecordFingerprint Record(std::uint64_t number) const {
    Dice dice(kRecordSeed + number);
    RecordFingerprint record{.plate_tag = dice(), .shape = 0xf0};
    record.folded_tag = number % 3 == 0 ? dice() : record.plate_tag;  // every third plate has an O, Q or I
    for (std::size_t i = 0; i < kPairs; ++i) record.pair_tags.push_back(dice());
    return record;
  }
};

}  // namespace spanwatch::bench
