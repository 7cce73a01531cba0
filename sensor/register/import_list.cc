#include "register/import_list.h"

#include <algorithm>
#include <charconv>
#include <fstream>

#include "base/byte_reader.h"
#include "base/hex.h"

namespace spanwatch::enrolment {
namespace {

constexpr std::size_t kDigits = 64;
constexpr std::uint64_t kLinesPerBatch = 4096;
constexpr std::uint8_t kQualityUnknown = 100;  // a list keeps what its maker found good enough
constexpr std::uint64_t kProblemsNamed = 20;

bool IsHexDigit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// The first run of exactly 64 hexadecimal digits, and what follows it.
std::optional<std::pair<Bytes, std::string_view>> FindDigits(std::string_view line) {
  std::size_t begin = 0;
  while (begin < line.size()) {
    if (!IsHexDigit(line[begin])) {
      ++begin;
      continue;
    }
    std::size_t end = begin;
    while (end < line.size() && IsHexDigit(line[end])) ++end;
    if (end - begin == kDigits) return std::pair(*FromHex(line.substr(begin, kDigits)), line.substr(end));
    begin = end;
  }
  return std::nullopt;
}

PictureView ParsePicture(const Bytes& digits, std::string_view rest) {
  PictureView view{.quality = kQualityUnknown};
  ByteReader reader(digits);
  for (std::size_t word = view.hash.words.size(); word > 0; --word) view.hash.words[word - 1] = reader.U64Be();
  const auto number = rest.find_first_of("0123456789");
  if (rest.starts_with(',') && number != std::string_view::npos) {
    unsigned quality = 0;
    std::from_chars(rest.data() + number, rest.data() + rest.size(), quality);
    if (quality <= 100) view.quality = static_cast<std::uint8_t>(quality);
  }
  return view;
}

Status ImportLine(RegisterDatabase& database, std::int64_t collection, const Source& source, std::string_view line,
                  ListKind kind, EnrolmentObserver& observer, EnrolmentSummary& summary) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos || line.starts_with('#')) return {};
  const auto digits = FindDigits(line);
  if (!digits) {
    if (++summary.problems <= kProblemsNamed) {
      observer.OnProblem(
          fmt::format("{}:{}: no {} hexadecimal digits in this line", source.path, source.line, kDigits));
    }
    return {};
  }
  Sha256Digest sha256;
  std::ranges::copy(digits->first, sha256.begin());
  auto added = kind == ListKind::kSha256
                   ? database.AddDigest(collection, source, sha256)
                   : database.AddPicture(collection, source, ParsePicture(digits->first, digits->second));
  if (!added) return Fail(added.error());
  summary.Count(*added);
  return {};
}

}  // namespace

Result<EnrolmentSummary> ImportList(RegisterDatabase& database, const std::string& collection, const std::string& path,
                                    ListKind kind, EnrolmentObserver& observer) {
  auto source = SourceOf(path);
  if (!source) return Fail(source.error());
  std::ifstream input(path, std::ios::binary);
  if (!input) return FailErrno("cannot open " + path);
  const auto row = database.CollectionRow(collection);
  if (!row) return Fail(row.error());
  EnrolmentSummary summary;
  Status status = database.Begin();
  for (std::string line; status && std::getline(input, line);) {
    ++source->line;
    status = ImportLine(database, *row, *source, line, kind, observer, summary);
    observer.OnProgress(source->line, 0);
    if (!status || source->line % kLinesPerBatch != 0) continue;
    status = database.Commit();
    if (status) status = database.Begin();
  }
  if (status) status = database.Commit();
  if (!status) return Fail(status.error());
  return summary;
}

}  // namespace spanwatch::enrolment
