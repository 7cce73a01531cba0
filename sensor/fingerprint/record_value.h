// Supporting values of a plate record (state, timestamp, lane, VIN, image name) in their canonical form. Enrolment
// normalises a column's value, detection the texts near a plate; neither knows the column, so the form says what it is.
//
// A time is `t` and its minute since the Unix epoch in decimal (no zone given: UTC; seconds are cut off):
//   2019-05-13T02:11:40Z, 2019-05-13 02:11, 2019/05/13 02:11:40.120, 2019:05:13 02:11:40 (AutoVu, EXIF), any with an
//   offset or UTC or GMT behind; 20190513T021140, 20190513-021140, 20190513021140, 20190513021140123 (Hikvision);
//   5/13/2019 2:11 AM, 05/13/2019 02:11:40 (month first); 13.05.2019 02:11 (day first); 13 May 2019 02:11:40 GMT,
//   13-May-2019 02:11, May 13 2019 2:11AM (SQL Server); seconds since 1970 (10 digits, perhaps a fraction: Frigate),
//   milliseconds (13: OpenALPR) and microseconds (16) between 2001 and 2065; and Excel serials with a fraction
//   (43598.0914, days from 1899-12-30, 36526 to 73050).
// Anything else is `x` and its letters and digits, upper case, look-alikes to Latin, of at most 48 characters:
//   a directory before a file name is dropped, a region prefix is dropped (us-tx, US-TX, TX -> xTX), and a number
//   loses leading zeros (lane 03 = lane 3).
// Pure functions; safe from any thread; no allocation.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

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

// Empty when the value has no letter or digit.
RecordValue NormaliseValue(std::string_view value);
// The minute since the Unix epoch that `value` names in one of the forms above.
std::optional<std::int64_t> ParseRecordMinute(std::string_view value);

}  // namespace spanwatch::fingerprint
