#include "fingerprint/record_field_finder.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <span>

#include "fingerprint/lpr_picture_name.h"
#include "fingerprint/text_decoder.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kLongestPictureName = 96;

// Calls `visit` with each position from `from` to `end` whose bit is set, in order, until it returns false. True when
// it came to the end.
template <std::uint64_t (TextMasks::*kMask)(std::size_t) const, typename Visit>
bool ForEachBit(const TextMasks& masks, std::size_t from, std::size_t end, Visit&& visit) {
  std::uint64_t wanted = ~std::uint64_t{0} << from % TextMasks::kBits;
  for (std::size_t block = from / TextMasks::kBits; block * TextMasks::kBits < end; ++block) {
    for (std::uint64_t bits = std::invoke(kMask, masks, block) & wanted; bits != 0; bits &= bits - 1) {
      const std::size_t position = block * TextMasks::kBits + static_cast<std::size_t>(std::countr_zero(bits));
      if (position >= end) return true;
      if (!visit(position)) return false;
    }
    wanted = ~std::uint64_t{0};
  }
  return true;
}

// What stands between the structural characters around `position`; a part of it when that is too long for a name.
std::string_view NameAround(std::string_view text, const TextMasks& masks, std::size_t position) {
  const std::size_t back = std::min(position, TextMasks::kKnown);
  const std::uint64_t before = masks.StructuralFrom(position - back) & ((std::uint64_t{1} << back) - 1);
  const std::size_t begin = position - back + static_cast<std::size_t>(std::bit_width(before));
  const auto after = static_cast<std::size_t>(std::countr_zero(masks.StructuralFrom(position)));
  return text.substr(begin, position + std::min(after, TextMasks::kKnown) - begin);
}

}  // namespace

void RecordFieldFinder::Find(std::string_view text, const TextMasks& masks, std::size_t end) {
  fields_.clear();
  triggers_.erase(triggers_.begin(), triggers_.begin() + static_cast<std::ptrdiff_t>(next_trigger_));
  next_trigger_ = 0;
  Triggers(text, masks, end == text.size() ? end : end + kReach);
  while (at_ < end) {
    if (!running_) {
      if (next_trigger_ == triggers_.size() || triggers_[next_trigger_] >= end) break;
      Start(text, triggers_[next_trigger_]);
    }
    if (machine_.in_table()) {
      RunTable(text, masks, end);
    } else {
      RunFull(text, masks, end);
    }
  }
  if (running_) EndField(end);
}

void RecordFieldFinder::Triggers(std::string_view text, const TextMasks& masks, std::size_t end) {
  ForEachBit<&TextMasks::trigger>(masks, seen_, end, [&](std::size_t at) {
    if (text[at] == '.') {
      if (!structure_seen()) NotePictureName(text, at);
    } else if (MayNamePlate(text, at) && NamesPlate(NameAround(text, masks, at))) {
      triggers_.push_back(at);
    }
    return true;
  });
  seen_ = std::max(seen_, end);
}

// Goes back to the beginning of a line, so that columns are counted right and what stands before a name is known.
void RecordFieldFinder::Start(std::string_view text, std::size_t trigger) {
  running_ = true;
  line_named_ = false;
  until_ = trigger;
  const std::size_t reach = std::max(at_, trigger - std::min(trigger, kReach));
  if (reach == at_ && at_ > 0) return;  // the machine has seen all of it
  const std::size_t line = text.substr(0, trigger).find('\n', reach);
  at_ = reach == 0 || line == std::string_view::npos ? reach : line + 1;
  field_begin_ = at_;
  machine_.Reset();
}

void RecordFieldFinder::RunFull(std::string_view text, const TextMasks& masks, std::size_t end) {
  const bool all = ForEachBit<&TextMasks::structural>(masks, at_, end, [&](std::size_t position) {
    Step(text, position, true);
    if (machine_.in_table()) return false;
    running_ = position < until_ || !machine_.idle();
    return running_;
  });
  if (all) at_ = end;
}

// Cell by cell; what stands near the name of a plate field is looked at in full.
void RecordFieldFinder::RunTable(std::string_view text, const TextMasks& masks, std::size_t end) {
  const std::size_t calm = std::min(end, CalmUntil());
  if (calm > at_) return RunCells(text, masks, calm);
  const bool all = ForEachBit<&TextMasks::structural>(masks, at_, end, [&](std::size_t position) {
    Step(text, position, false);
    return machine_.in_table() && CalmUntil() <= position;
  });
  if (all) at_ = end;
}

// As Step where no name of a plate field is near: most of every table.
void RecordFieldFinder::RunCells(std::string_view text, const TextMasks& masks, std::size_t end) {
  const bool all = ForEachBit<&TextMasks::structural>(masks, at_, end, [&](std::size_t position) {
    const char c = text[position];
    EndField(position);
    const std::string_view cell(text.data() + field_begin_, position - field_begin_);
    at_ = field_begin_ = value_begin_ = position + 1;
    if (c == kTextBreak) {
      machine_.Reset();
      return false;
    }
    machine_.OnCell(c, cell);
    return true;
  });
  if (all) at_ = end;
}

// Where the next name of a plate field comes near.
std::size_t RecordFieldFinder::CalmUntil() const {
  if (line_named_) return 0;
  if (next_trigger_ == triggers_.size()) return std::string_view::npos;
  return triggers_[next_trigger_] - std::min(triggers_[next_trigger_], kReach);
}

// Whether a plate field is named in the rest of this line, within reach.
bool RecordFieldFinder::NamedAhead(std::string_view text, std::size_t position) const {
  if (next_trigger_ == triggers_.size() || triggers_[next_trigger_] > position + kReach) return false;
  return !text.substr(position, triggers_[next_trigger_] - position).contains('\n');
}

void RecordFieldFinder::Step(std::string_view text, std::size_t position, bool full) {
  const char c = text[position];
  for (; next_trigger_ < triggers_.size() && triggers_[next_trigger_] <= position; ++next_trigger_) line_named_ = true;
  full = full || line_named_ || NamedAhead(text, position);
  if (c == '\n') line_named_ = false;
  EndField(position);
  const std::string_view field = text.substr(field_begin_, position - field_begin_);
  if (c == kTextBreak) {
    machine_.Reset();
  } else if (full) {
    machine_.OnStructural(c, field);
  } else {
    machine_.OnCell(c, field);
  }
  at_ = position + 1;
  field_begin_ = at_;
  value_begin_ = at_;
}

void RecordFieldFinder::NotePictureName(std::string_view text, std::size_t dot) {
  const std::size_t reach = dot - std::min(dot, kLongestPictureName);
  const std::size_t before = text.substr(reach, dot - reach).find_last_of("/\\\n\r\t,;|\"'<>=(");
  const std::size_t begin = before == std::string_view::npos ? reach : reach + before + 1;
  const LprPictureName name = ReadLprPictureName(text.substr(begin, dot - begin));
  if (!name.dated || name.plate == 0) return;
  const auto known = std::span(names_).first(name_count_);
  if (std::ranges::find(known, name.plate) != known.end()) return;
  names_[name_count_++] = name.plate;
  names_structure_ = name_count_ == kNamesOfStructure;
}

void RecordFieldFinder::Discard(std::size_t position) {
  for (std::size_t* const place : {&seen_, &at_, &field_begin_, &value_begin_, &until_}) {
    *place -= std::min(*place, position);
  }
  for (std::size_t& trigger : triggers_) trigger -= std::min(trigger, position);
}

}  // namespace spanwatch::fingerprint
