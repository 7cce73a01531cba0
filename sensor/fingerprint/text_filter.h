// TextFilter: passes on what may be text and skips binary bytes at memory speed. First stage of the record family.
//
// The stream is cut into blocks of 64 bytes aligned to its offsets (a part of a block is kept until the rest
// arrives), and each block is judged whole, so that every split of the bytes gives the same calls. A block is passed
// on when it holds no control characters but those of text, or is UTF-16 or UTF-32 (passed on as UTF-8, wide_text.h),
// or when a run of five or more characters that a plate may have touches it. One thread; the sink must outlive the
// filter. Calls: (Update | Gap)* Finish.
#pragma once

#include <array>
#include <span>

#include "base/bytes.h"
#include "fingerprint/text_block.h"
#include "fingerprint/text_masks.h"
#include "fingerprint/wide_text.h"

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
  // Behind a break: what comes next is a string of so many bytes, as the bytes before it say; 5 to 8.
  virtual void OnString(unsigned length) noexcept = 0;
};

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
  void WideBlock(std::size_t size, const BlockMasks& masks) noexcept;
  void PassCarried() noexcept;
  void Pass(const std::uint8_t* block, std::uint64_t nul, std::size_t begin, std::size_t end) noexcept;
  void PassAround(const std::uint8_t* block, std::uint64_t seeds, std::uint64_t printable, std::uint64_t nul) noexcept;
  void Break() noexcept;
  std::size_t TellLength(const std::uint8_t* block, std::size_t begin, std::size_t end) noexcept;
  void FlushPart() noexcept;

  TextSink* sink_;
  const MaskPath path_ = BestMaskPath();
  WideText wide_;
  std::uint64_t offset_ = 0;  // of the block under way
  std::array<std::uint8_t, kTextBlock> part_{};
  std::size_t part_size_ = 0;
  std::array<std::uint8_t, 8> tail_{};  // the end of the block before, when that was no plain text
  unsigned run_ = 0;                    // plate characters at the end of the block before, at most kRun
  bool skipped_ = false;                // the block before was not passed on
  bool broken_ = true;                  // the sink knows of a break since the last text
};

}  // namespace spanwatch::fingerprint
