// Supporting values of a plate record (state, timestamp, lane, VIN, image name) in their canonical form. Enrolment
// normalises a column's value, detection the texts near a plate; neither knows the column, so the form says what it is.
//
// A time is `t` and its minute since the Unix epoch in decimal (no zone given: UTC; seconds are cut off), a date alone
// `d` and its day. The forms of a date, alone or with a time behind it:
//   2019-05-13, 2019/05/13, 2019:05:13 (AutoVu, EXIF), 2019-5-3, 20190513; 13.05.2019, 3.5.19 (day first); 13 May 2019,
//   13-May-19, May 13, 2019; 05/13/2019, 5-13-19, whose order the numbers do not tell: every one that is a date.
//   The time: 2:11, 02:11:40.120, 0211, 021140 (also right behind a date of eight digits, with milliseconds:
//   Hikvision), 2:11 AM, 2:11 p.m., any with an offset or UTC or GMT behind.
// Also seconds since 1970 (10 digits, perhaps a fraction: Frigate), milliseconds (13: OpenALPR) and microseconds (16)
// between 2001 and 2065; and Excel's serial numbers (43598.0914, days from 1899-12-30, 36526 to 73050).
// Anything else is `x` and its letters and digits, upper case, look-alikes to Latin, of at most 48 characters:
//   a directory before a file name is dropped, a region prefix is dropped (us-tx, US-TX, TX -> xTX), and a number
//   loses leading zeros (lane 03 = lane 3).
// Pure functions; safe from any thread; no allocation.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "fingerprint/record_time.h"

namespace spanwatch::fingerprint {

class RecordValue {
 public:
  static constexpr std::size_t kMaximum = 49;
  std::string_view text() const { return {text_.data(), size_}; }
  bool empty() const { return size_ == 0; }
  void Append(char c) {
    if (size_ < kMaximum) text_[size_++] = c;
  }

 private:
  std::array<char, kMaximum> text_{};
  std::uint8_t size_ = 0;
};

// What one text says: one value, or each reading of a date whose order nobody told; none without a letter or digit.
class RecordValues {
 public:
  void Add(const RecordValue& value) {
    if (!value.empty()) values_[size_++] = value;
  }
  const RecordValue* begin() const { return values_.data(); }
  const RecordValue* end() const { return values_.data() + size_; }

 private:
  std::array<RecordValue, kDateOrders> values_{};
  std::size_t size_ = 0;
};

// `value` as it stands in decoded text (FoldText).
RecordValues NormaliseValues(std::string_view value, std::optional<DateOrder> order = std::nullopt);
// The likeliest of them; empty where there is none.
RecordValue NormaliseValue(std::string_view value);

}  // namespace spanwatch::fingerprint
