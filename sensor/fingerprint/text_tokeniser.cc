#include "fingerprint/text_tokeniser.h"

#include <algorithm>
#include <bit>

#include "base/ascii.h"
#include "fingerprint/markup.h"

namespace spanwatch::fingerprint {
namespace {

// A token spans at most 8 characters and 3 separators, or 7 and 6, so it begins and ends so near to a seed in it.
constexpr std::size_t kSpan = 12;
constexpr std::size_t kWidestGap = 3;     // between the runs of one plate in a plate field: `ABC - 1234`
constexpr std::size_t kMergedSeeds = 20;  // seeds this near to the first are served by one walk over the pieces
constexpr std::size_t kWalk = 40;     // characters of one walk: what is left of 56 known bits is longer than a token
constexpr std::uint8_t kAllKept = 2;  // walks that the filter kept one after the other: the text is full of tokens
constexpr std::uint8_t kUnfiltered = 8;
constexpr std::size_t kHistory = 2 * TextTokeniser::kReach;
constexpr std::size_t kWidestMarkup = 960;  // from the first character of a word to the last, with the markup in it
static_assert(kWidestMarkup + TextMasks::kBits <= kHistory);
constexpr std::size_t kLookBack = 56;
constexpr std::size_t kBase64Run = 16;
constexpr std::size_t kLongestKey = 100;

bool IsWord(char c) {
  const char lower = static_cast<char>(c | 0x20);
  return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z');
}

// Upper, lower and digit together: no word has that.
bool IsMixed(std::string_view run) {
  bool upper = false;
  bool lower = false;
  bool digit = false;
  for (const char c : run) {
    upper = upper || (c >= 'A' && c <= 'Z');
    lower = lower || (c >= 'a' && c <= 'z');
    digit = digit || (c >= '0' && c <= '9');
  }
  return upper && lower && digit;
}

// A number, a digest in hexadecimal digits or a time (20260305T081101Z): as long as a run of base64, but none.
bool IsNumberOrTime(std::string_view run) {
  constexpr std::size_t kDate = 8;
  if (run.ends_with('Z')) run.remove_suffix(1);
  if (run.size() > kDate && run[kDate] == 'T') {
    return std::ranges::all_of(run.substr(0, kDate), IsDigit) && std::ranges::all_of(run.substr(kDate + 1), IsDigit);
  }
  return run.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

}  // namespace

WantedShapes WantedShapes::All() {
  WantedShapes all;
  for (std::size_t length = kPlateMinimum; length <= kPlateMaximum; ++length) {
    all.Add(static_cast<std::uint16_t>((2u << length) - 1));
  }
  return all;
}

void WantedShapes::Add(std::uint16_t shape) {
  const unsigned top = std::bit_floor(static_cast<unsigned>(shape));
  const unsigned letters = shape ^ top;
  for (unsigned kept = letters;; kept = (kept - 1) & letters) {
    kinds_[top | kept] |= kFolded;
    if (kept == 0) break;
  }
  bool anywhere = false;
  for (unsigned any = top; any < 2 * top; ++any) {
    if (!CountsAnywhere(static_cast<std::uint16_t>(any))) continue;
    kinds_[any] |= kAnywhere;
    anywhere = true;
  }
  if (anywhere) seeds_.Add(shape);
}

void TextTokeniser::Append(ByteView block, std::uint64_t nul, std::uint64_t offset) {
  NoteStretch(offset);
  decoder_.Append(block, nul, text_);
}

void TextTokeniser::AppendPlain(ByteView blocks, std::uint64_t offset) {
  NoteStretch(offset);
  decoder_.AppendPlain(blocks, text_);
}

void TextTokeniser::NoteStretch(std::uint64_t offset) {
  const bool goes_on =
      !stretches_.empty() && offset - stretches_.back().offset == text_.size() - stretches_.back().position;
  if (!goes_on) stretches_.push_back({text_.size(), offset});
}

std::uint64_t TextTokeniser::OffsetOf(std::size_t position) const {
  const auto after = std::ranges::upper_bound(stretches_, position, {}, &Stretch::position);
  if (after == stretches_.begin()) return 0;
  const Stretch& stretch = *(after - 1);
  return (stretch.offset + position - stretch.position) / TextMasks::kBits * TextMasks::kBits;
}

void TextTokeniser::Scan(bool final, TextMasks& masks) {
  if (final) decoder_.Flush(text_);
  const std::size_t size = text_.size();
  text_.append(TextMasks::kPadding, '\0');
  // What may be looked at again: a record before the name of its plate, a token across the last limit.
  const std::size_t known = at_ - std::min(at_, kReach + TextMasks::kBits);
  masks.Fill({text_.data(), size}, known / TextMasks::kBits * TextMasks::kBits, path_);
  const std::size_t limit = Limit(final, masks);
  if (limit == at_ && !final) {
    text_.resize(size);
    return;
  }
  finder_.Find({text_.data(), size}, masks, limit);
  told_ = at_;
  key_end_ = 0;                                        // more text may have come behind it
  std::size_t begin = at_ - std::min(at_, kSpan + 1);  // a token may have begun before the last limit
  for (const RecordFieldFinder::Field& field : finder_.fields()) {
    if (field.begin > begin) ScanSeeds({begin, field.begin, false, RecordExtent::kLine}, masks);
    ScanAll({field.begin, field.end, true, field.extent}, masks);
    begin = field.end;
  }
  ScanSeeds({begin, limit, false, RecordExtent::kLine}, masks);
  const std::size_t others = tokens_.size();
  ScanGlued(limit, masks);
  ScanMarkup(limit, masks);
  if (tokens_.size() > others) std::ranges::stable_sort(tokens_, {}, &PlateToken::end);
  at_ = limit;
  text_.resize(size);
}

// How far tokens are told: so far that what follows a token is there, and not inside of one.
std::size_t TextTokeniser::Limit(bool final, const TextMasks& masks) const {
  const std::size_t size = text_.size() - TextMasks::kPadding;
  if (final) return size;
  const std::size_t last = size - std::min(size, kReach + TextMasks::kBits);
  if (last <= at_) return at_;
  std::size_t limit = last;
  while (limit > at_ && limit + kLookBack > last && (masks.WordFrom(limit - 1) & 3) == 3) --limit;
  const bool too_long = limit + kLookBack <= last;  // for a token, wherever it is cut
  return too_long ? last : limit;
}

// Those of the next SeedFilter::kSeeds characters that are worth a walk.
std::uint64_t TextTokeniser::WantedSeedsFrom(std::size_t first, const TextMasks& masks) {
  if (!filters_seeds_) return masks.SeedFrom(first);
  if (unfiltered_ > 0) {
    --unfiltered_;
    return masks.SeedFrom(first);
  }
  const std::uint64_t kept = wanted_->seeds().Kept(masks, first);
  kept_in_a_row_ = kept == 0 ? 0 : kept_in_a_row_ + 1;
  if (kept_in_a_row_ == kAllKept) {
    kept_in_a_row_ = 0;
    unfiltered_ = kUnfiltered;
  }
  return kept;
}

// The tokens that hold a letter beside a digit, and are of a wanted shape.
void TextTokeniser::ScanSeeds(const Area& area, const TextMasks& masks) {
  for (std::size_t at = area.begin; at < area.end;) {
    const std::size_t block = at / TextMasks::kBits;
    const std::uint64_t seeds = masks.seed(block) & ~std::uint64_t{0} << at % TextMasks::kBits;
    if (seeds == 0) {
      at = (block + 1) * TextMasks::kBits;
      continue;
    }
    const std::size_t seed = block * TextMasks::kBits + static_cast<std::size_t>(std::countr_zero(seeds));
    if (seed >= area.end) return;
    const std::uint64_t wanted = WantedSeedsFrom(seed, masks);
    if (wanted == 0) {
      at = seed + SeedFilter::kSeeds;
      continue;
    }
    const auto passed_over = static_cast<std::size_t>(std::countr_zero(wanted));
    const std::size_t first = seed + passed_over;
    if (first >= area.end) return;
    const std::uint64_t near = wanted >> passed_over & ((std::uint64_t{2} << kMergedSeeds) - 1);
    const std::size_t last = first + static_cast<std::size_t>(std::bit_width(near)) - 1;
    const std::size_t from = std::max(area.begin, first - std::min(first, kSpan));
    Pieces(from, std::min(last + kSpan, area.end - 1), area, masks);
    at = last + 1;
  }
}

// Strings behind the character that tells their length.
void TextTokeniser::ScanGlued(std::size_t limit, const TextMasks& masks) {
  const std::size_t from = at_ - std::min(at_, kPlateMaximum + 1);
  std::uint64_t wanted = ~std::uint64_t{0} << from % TextMasks::kBits;
  for (std::size_t block = from / TextMasks::kBits; block * TextMasks::kBits < limit; ++block) {
    for (std::uint64_t bits = masks.length(block) & wanted; bits != 0; bits &= bits - 1) {
      const std::size_t sign = block * TextMasks::kBits + static_cast<std::size_t>(std::countr_zero(bits));
      const unsigned length = static_cast<unsigned char>(text_[sign]) & 0x0F;
      const std::size_t begin = sign + 1;
      const std::size_t end = begin + length;
      const bool all = static_cast<unsigned>(std::countr_one(masks.WordFrom(begin))) >= length;
      if (!all || end <= at_ || end > limit) continue;
      PlateWord word;
      std::memcpy(&word, text_.data() + begin, sizeof word);
      AddGlued(word & ~std::uint64_t{0} >> 8 * (kPlateMaximum - length), length, begin, end);
    }
    wanted = ~std::uint64_t{0};
  }
}

void TextTokeniser::AddGlued(PlateWord written, unsigned length, std::size_t begin, std::size_t end) {
  const PlateWord word = UpperWord(written);
  const PlateWord folded = FoldWord(word);
  const std::uint16_t folded_shape = ShapeOfWord(folded, length);
  if (!wanted_->May(ShapeOfWord(word, length), false) || !wanted_->HasFolded(folded_shape)) return;
  tokens_.push_back({word, folded, folded_shape, TokenPlace::kGlued, RecordExtent::kLine,
                     static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
}

// Words whose parts stand in markup of their own: `<b>AB</b>C1234`. Each is made from the first markup in it.
void TextTokeniser::ScanMarkup(std::size_t limit, const TextMasks& masks) {
  const std::string_view text(text_.data(), text_.size() - TextMasks::kPadding);
  const std::size_t from = at_ - std::min(at_, kWidestMarkup);
  for (std::size_t mark = text.find('<', from); mark < limit; mark = text.find('<', mark + 1)) {
    if (mark == 0) continue;
    const std::size_t back = std::min<std::size_t>(mark, kPlateMaximum);
    const std::uint64_t before = masks.WordFrom(mark - back) << (64 - back);
    auto length = static_cast<unsigned>(std::countl_one(before));
    if (length == 0 || length >= kPlateMaximum) continue;
    const std::size_t begin = mark - length;
    if (begin > 0 && (masks.WordFrom(begin - 1) & 1) != 0) continue;
    PlateWord word = 0;
    std::memcpy(&word, text_.data() + begin, length);
    for (std::size_t at = mark; at < text.size() && text[at] == '<';) {
      const std::size_t next = EndOfInlineMarkup(text, at, begin + kWidestMarkup);
      if (next == 0) break;
      const auto more = static_cast<unsigned>(std::countr_one(masks.WordFrom(next)));
      if (more == 0 || length + more > kPlateMaximum) break;
      PlateWord part = 0;
      std::memcpy(&part, text_.data() + next, more);
      word |= part << 8 * length;
      length += more;
      at = next + more;
      if (at > at_ && at <= limit && at - begin <= kWidestMarkup && length >= kShortestInText)
        AddGlued(word, length, begin, at);
    }
  }
}

void TextTokeniser::ScanAll(const Area& area, const TextMasks& masks) {
  // What was told before needs no second walk, but for what may still be joined.
  constexpr std::size_t kFieldSpan = kPlateMaximum + (kPieces - 1) * kWidestGap;
  std::size_t from = std::max(area.begin, told_ - std::min(told_, kFieldSpan + 1));
  for (; from < area.end; from += kWalk) Pieces(from, std::min(from + kWalk, area.end) - 1, area, masks);
}

// Walks over the runs of letters and digits that begin in [from, to]. REQUIRES: to - from < 46
void TextTokeniser::Pieces(std::size_t from, std::size_t to, const Area& area, const TextMasks& masks) {
  // Bit 0 stands for the character before.
  const std::uint64_t around = from == 0 ? masks.WordFrom(0) << 1 : masks.WordFrom(from - 1);
  const std::uint64_t words = around >> 1;
  const std::uint64_t separators = masks.SeparatorFrom(from) << 1;  // bit 0: none
  std::uint64_t starts = (around & ~(around << 1)) >> 1;
  starts &= (std::uint64_t{2} << (to - from)) - 1;
  for (; starts != 0; starts &= starts - 1) {
    const auto start = static_cast<unsigned>(std::countr_zero(starts));
    const auto length = static_cast<unsigned>(std::countr_one(words >> start));
    const std::size_t begin = from + start;
    // One separator between: the bit before this start, and the piece before ended there.
    bool joins = piece_end_ + 1 == begin &&
                 (start > 0 ? (separators >> start & 1) != 0 : (masks.SeparatorFrom(begin - 1) & 1) != 0);
    if (area.field && !joins) joins = AreSeparators(piece_end_, begin, masks);
    if (!joins) piece_count_ = 0;
    pieces_with_letters_ = joins ? pieces_with_letters_ << 1 & kPieceBits : 0;
    pieces_with_digits_ = joins ? pieces_with_digits_ << 1 & kPieceBits : 0;
    piece_end_ = begin + length;
    if (length > kPlateMaximum) {
      piece_count_ = 0;
      continue;
    }
    PlateWord word;
    std::memcpy(&word, text_.data() + begin, sizeof word);
    Piece& piece = pieces_[++latest_ % kPieces];
    piece.word = word & ~std::uint64_t{0} >> 8 * (kPlateMaximum - length);
    piece.begin = begin;
    piece.length = length;
    piece.letters = LettersOf(piece.word, length);
    piece.escaped = begin > 0 && text_[begin - 1] == '\\' && std::string_view("nrtbf").contains(text_[begin]);
    piece_count_ = std::min(piece_count_ + 1, kPieces);
    pieces_with_letters_ |= piece.letters != 0 ? 1u : 0u;
    pieces_with_digits_ |= piece.letters != (1u << length) - 1 ? 1u : 0u;
    // Outside of a field a plate has both (CountsAnywhere).
    const bool may_be = area.field || (pieces_with_letters_ != 0 && pieces_with_digits_ != 0);
    if (may_be && piece_end_ > told_) Candidates(piece_end_, area, masks);
  }
  told_ = std::max(told_, piece_end_);
}

// Whether so few separators stand there, and nothing else, that a plate field has one plate around them.
bool TextTokeniser::AreSeparators(std::size_t begin, std::size_t end, const TextMasks& masks) {
  if (begin >= end || end - begin > kWidestGap) return false;
  return static_cast<std::size_t>(std::countr_one(masks.SeparatorFrom(begin))) >= end - begin;
}

// The tokens that end with the latest piece.
void TextTokeniser::Candidates(std::size_t end, const Area& area, const TextMasks& masks) {
  unsigned length = 0;
  unsigned letters = 0;
  for (std::size_t i = 0; i < piece_count_; ++i) {
    const Piece& piece = pieces_[(latest_ - i) % kPieces];
    if (length + piece.length > kPlateMaximum || piece.begin < area.begin) break;
    // So far each had one character, if this one has, too.
    if (!area.field && i >= kPiecesInText && (length != i || piece.length != 1 || i >= kSinglesInText)) break;
    letters |= piece.letters << length;
    length += piece.length;
    if (length < kPlateMinimum) continue;
    const unsigned top = 1u << length;
    if (wanted_->May(static_cast<std::uint16_t>(top | letters), area.field)) Candidate(i + 1, false, end, area, masks);
    // `\n` may be an escape or begin a name in a Windows path: the run that follows is taken both with and without it.
    if (piece.escaped && length > kPlateMinimum &&
        wanted_->May(static_cast<std::uint16_t>(top >> 1 | (letters & (top / 2 - 1))), area.field)) {
      Candidate(i + 1, true, end, area, masks);
    }
  }
}

// The latest `pieces` as one token, perhaps without the first character.
void TextTokeniser::Candidate(std::size_t pieces, bool without_first, std::size_t end, const Area& area,
                              const TextMasks& masks) {
  PlateWord written = 0;
  unsigned length = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < pieces; ++i) {
    const Piece& piece = pieces_[(latest_ - i) % kPieces];
    written = i == 0 ? piece.word : written << 8 * piece.length | piece.word;
    length += piece.length;
    begin = piece.begin;
  }
  if (without_first) {
    written >>= 8;
    --length;
    ++begin;
  }
  const PlateWord word = UpperWord(written);
  const PlateWord folded = FoldWord(word);
  const std::uint16_t folded_shape = ShapeOfWord(folded, length);
  if (!wanted_->HasFolded(folded_shape)) return;
  const bool value = !area.field && fields_ && IsValue(begin, end);
  if (!area.field && !value && IsNoise(begin, end, masks)) return;
  const TokenPlace place = area.field   ? TokenPlace::kField
                           : value      ? TokenPlace::kValue
                           : pieces > 1 ? TokenPlace::kJoined
                                        : TokenPlace::kPlain;
  tokens_.push_back({word, folded, folded_shape, place, area.extent, static_cast<std::uint32_t>(begin),
                     static_cast<std::uint32_t>(end)});
}

// From the sign of equality to the end of its pair, or a whole string of JSON behind its colon.
bool TextTokeniser::IsValue(std::size_t begin, std::size_t end) const {
  const std::string_view before = std::string_view(text_).substr(0, begin);
  if (before.ends_with('=')) return std::string_view("\n\r&;\0", 5).contains(text_[end]);
  return text_[end] == '"' && (before.ends_with(":\"") || before.ends_with(": \""));
}

// Part of a UUID or a product key, or so near to base64 that it will be base64 too.
bool TextTokeniser::IsNoise(std::size_t begin, std::size_t end, const TextMasks& masks) {
  const char before = begin == 0 ? '\0' : text_[begin - 1];
  if (before == '-' || text_[end] == '-') {
    if (IsGroupOfKey(begin)) return true;
  }
  if (!std::string_view("+/=-_\r\n").contains(before)) return false;
  const std::size_t back = std::min(begin, kLookBack);
  const std::uint64_t words = masks.WordFrom(begin - back) & ((std::uint64_t{1} << back) - 1);
  std::uint64_t long_runs = words & words >> 1;
  long_runs &= long_runs >> 2;
  long_runs &= long_runs >> 4;
  long_runs &= long_runs >> 8;
  if (long_runs == 0) return false;
  // From the token back to the end of the run there must be nothing that base64 has not, and one end of line.
  const std::size_t run_end = begin - back + static_cast<std::size_t>(std::bit_width(long_runs)) + kBase64Run - 1;
  std::size_t run_begin = run_end;
  while (run_begin > begin - back && IsWord(text_[run_begin - 1])) --run_begin;
  if (IsNumberOrTime(std::string_view(text_).substr(run_begin, run_end - run_begin))) return false;
  int lines = 0;
  for (std::size_t i = run_end; i < begin; ++i) {
    lines += text_[i] == '\n' ? 1 : 0;
    if (!IsWord(text_[i]) && !std::string_view("+/=-_\r\n").contains(text_[i])) return false;
  }
  return lines < 2 && IsMixed(std::string_view(text_).substr(begin - back, run_end - (begin - back)));
}

// A UUID is 8-4-4-4-12, a product key four or more groups of equal length, 4 or 5.
bool TextTokeniser::IsGroupOfKey(std::size_t begin) {
  if (begin >= key_begin_ && begin < key_end_) return is_key_;
  constexpr std::array<std::size_t, 5> kUuid{8, 4, 4, 4, 12};
  const auto in_key = [&](std::size_t i) { return IsWord(text_[i]) || text_[i] == '-'; };
  std::size_t at = begin;
  while (at > 0 && begin - at < kLongestKey && in_key(at - 1)) --at;
  const std::size_t key = at;
  const bool whole = begin - key < kLongestKey;
  bool uuid = true;
  bool equal = true;
  std::size_t groups = 0;
  std::size_t first = 0;
  for (bool more = true; more; ++groups) {
    const std::size_t group = at;
    while (IsWord(text_[at])) ++at;
    const std::size_t length = at - group;
    if (groups == 0) first = length;
    equal = equal && length == first;
    uuid = uuid && groups < kUuid.size() && length == kUuid[groups];
    more = text_[at] == '-' && IsWord(text_[at + 1]) && at - key < 2 * kLongestKey;
    ++at;
  }
  is_key_ = (uuid && groups == kUuid.size()) || (equal && groups >= 4 && (first == 4 || first == 5));
  key_begin_ = key;
  key_end_ = whole ? std::min(at, key + kLongestKey) : key;
  return is_key_;
}

void TextTokeniser::Discard() {
  tokens_.clear();
  const std::size_t gone = (at_ - std::min(at_, kHistory)) / TextMasks::kBits * TextMasks::kBits;
  if (gone == 0) return;
  text_.erase(0, gone);
  at_ -= gone;
  piece_end_ -= std::min(piece_end_, gone);
  piece_count_ = 0;
  finder_.Discard(gone);
  const auto kept = std::ranges::upper_bound(stretches_, gone, {}, &Stretch::position);
  if (kept != stretches_.begin()) stretches_.erase(stretches_.begin(), kept - 1);
  for (Stretch& stretch : stretches_) {
    const std::size_t back = std::min(stretch.position, gone);
    if (back < gone) stretch.offset += gone - back;
    stretch.position -= back;
  }
}

}  // namespace spanwatch::fingerprint
