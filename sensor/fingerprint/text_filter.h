// TextFilter: passes on what may be text and skips binary bytes at memory speed. First stage of the record family.
//
// The stream is cut into blocks of 64 bytes aligned to its offsets (a part of a block is kept until the rest
// arrives), and each block is judged whole, so that every split of the bytes gives the same calls. A block is passed
// on when it holds no control characters but those of text, or when a run of five or more characters that a plate may
// have touches it. One thread; the sink must outlive the filter. Calls: (Update | Gap)* Finish, then again from
// offset 0 after Reset.
#pragma once

#include <array>
#include <span>

#include "base/bytes.h"
#include "fingerprint/text_masks.h"

namespace spanwatch::fingerprint {

class TextSink {
 public:
  virtual ~TextSink() = default;
  // Whole blocks, as many as lie together, in which nothing is to be decoded; valid during the call.
  virtual void OnPlainText(ByteView blocks, std::uint64_t offset) noexcept = 0;
  // At most 64 bytes, valid during the call, with one bit of `nul` for each NUL; `offset` is that of their block.
  virtual void OnText(ByteView text, std::uint64_t nul, std::uint64_t offset) noexcept = 0;
  // Something that is no text, or is missing, lies between the texts before and after.
  virtual void OnBreak() noexcept = 0;
};

// What each byte of a block is, one bit a byte.
struct BlockMasks {
  std::uint64_t word = 0;          // letter, digit or separator, in ASCII
  std::uint64_t lead = 0;          // may begin a look-alike or a separator in UTF-8
  std::uint64_t continuation = 0;  // 0x80..0xBF
  std::uint64_t high = 0;          // 0x80..0xFF
  std::uint64_t nul = 0;
  std::uint64_t control = 0;  // no text has it: below space but for TAB, LF and CR; DEL
  std::uint64_t escape = 0;   // may begin what TextDecoder decodes: \ & % or a lead byte of UTF-8
  friend bool operator==(const BlockMasks&, const BlockMasks&) = default;
};

inline constexpr std::size_t kTextBlock = 64;

// The masks of consecutive blocks; every path gives the same. REQUIRES: 64 readable bytes a block; a path that this
// processor has.
void ClassifyText(const std::uint8_t* blocks, std::span<BlockMasks> masks, MaskPath path = BestMaskPath()) noexcept;

class TextFilter {
 public:
  explicit TextFilter(TextSink& sink) : sink_(&sink) {}

  void Update(ByteView bytes) noexcept;
  void Gap(std::uint64_t length) noexcept;
  void Finish() noexcept;

 private:
  void Blocks(ByteView blocks, std::size_t size) noexcept;
  void Block(const std::uint8_t* block, std::size_t size, const BlockMasks& masks) noexcept;
  void PlainBlocks(ByteView blocks, const BlockMasks& last) noexcept;
  void PassCarried() noexcept;
  void Pass(const std::uint8_t* block, std::uint64_t nul, std::size_t begin, std::size_t end) noexcept;
  void PassAround(const std::uint8_t* block, std::uint64_t seeds, std::uint64_t printable, std::uint64_t nul) noexcept;
  void Break() noexcept;
  void FlushPart() noexcept;

  TextSink* sink_;
  const MaskPath path_ = BestMaskPath();
  std::uint64_t offset_ = 0;  // of the block under way
  std::array<std::uint8_t, kTextBlock> part_{};
  std::size_t part_size_ = 0;
  std::array<std::uint8_t, 8> tail_{};  // the end of the block before, when that was skipped
  unsigned run_ = 0;                    // plate characters at the end of the block before, at most kRun
  bool skipped_ = false;                // the block before was not passed on
  bool broken_ = true;                  // the sink knows of a break since the last text
};

}  // namespace spanwatch::fingerprint
