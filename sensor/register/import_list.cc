#include "register/import_list.h"

#include <algorithm>

#include "base/byte_reader.h"
#include "register/enrolment.h"
#include "register/table_file.h"

namespace spanwatch::enrolment {
namespace {

constexpr std::uint64_t kRowsPerBatch = 4096;  // of a transaction
constexpr std::uint8_t kQualityUnknown = 100;  // a list keeps what its maker found good enough

PictureView PictureOf(const ListedDigest& digest) {
  PictureView view{.quality = digest.quality.value_or(kQualityUnknown)};
  ByteReader reader(digest.value);
  for (std::size_t word = view.hash.words.size(); word > 0; --word) view.hash.words[word - 1] = reader.U64Be();
  return view;
}

template <typename Digest>
Digest DigestOf(const ListedDigest& listed) {
  Digest digest{};
  std::copy_n(listed.value.begin(), std::min(listed.value.size(), digest.size()), digest.begin());
  return digest;
}

Result<AddResult> Add(RegisterDatabase& database, std::int64_t collection, const Source& source,
                      const ListedDigest& digest) {
  switch (digest.kind) {
    case DigestKind::kSha256:
      return database.AddDigest(collection, source, DigestOf<Sha256Digest>(digest));
    case DigestKind::kMd5:
      return database.AddMd5(collection, source, DigestOf<Md5Digest>(digest));
    case DigestKind::kPdq:
      return database.AddPicture(collection, source, PictureOf(digest));
  }
  return AddResult::kKnown;
}

}  // namespace

Result<ImportSummary> ImportList(RegisterDatabase& database, const ListImport& import, EnrolmentObserver& observer) {
  auto source = SourceOf(import.path);
  if (!source) return Fail(source.error());
  auto file = TableFile::Open(import.path);
  if (!file) return Fail(file.error().In(import.path));
  if ((*file)->is_workbook())
    return Fail(ErrorCode::kInvalid, "{}: a list in a workbook is not read; export it as CSV", import.path);
  const auto collection = database.CollectionRow(import.collection);
  if (!collection) return Fail(collection.error());
  ImportSummary summary;
  if (Status status = TellWhenExpired(database, import.collection, observer, summary); !status) {
    return Fail(status.error());
  }
  std::uint64_t rows = 0;
  const auto take = [&](const ImportRow& row) -> Status {
    source->line = row.line;
    observer.OnProgress(++rows, 0);
    for (const std::string& what : {row.digests.empty() ? row.refused : std::string(), row.problem}) {
      if (what.empty()) continue;
      ++summary.problems;
      observer.OnProblem(fmt::format("{}:{}: {}", source->path, row.line, what));
    }
    for (const ListedDigest& digest : row.digests) {
      const auto added = Add(database, *collection, *source, digest);
      if (!added) return Fail(added.error());
      summary.Count(*added);
      summary.md5 += digest.kind == DigestKind::kMd5 ? 1 : 0;
    }
    if (rows % kRowsPerBatch != 0) return {};
    const Status status = database.Commit();
    return status ? database.Begin() : status;
  };
  if (Status status = database.Begin(); !status) return Fail(status.error());
  const Status read = ReadImportRows((*file)->text(), import.wish, take);
  const Status whole = (*file)->status();
  // What was read before a damaged place stays.
  const Status committed = database.Commit();
  if (!read || !whole) return Fail((!read ? read.error() : whole.error()).In(import.path));
  if (!committed) return Fail(committed.error());
  if (rows == 0) {
    ++summary.problems;
    observer.OnProblem(fmt::format("{}: there is nothing in it", import.path));
  }
  return summary;
}

}  // namespace spanwatch::enrolment
