#include "register/import_list.h"

#include <algorithm>
#include <set>

#include "base/byte_reader.h"
#include "base/hex.h"
#include "register/calibration.h"
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

// Why a digest is not registered: it belongs to no content that could be told by it. Empty: it can be.
std::string_view WhyUseless(const ListedDigest& digest) {
  constexpr std::string_view kEmptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  constexpr std::string_view kEmptyMd5 = "d41d8cd98f00b204e9800998ecf8427e";
  if (const std::string digits = ToHex(digest.value); digits == kEmptySha256 || digits == kEmptyMd5) {
    return "this is the digest of an empty file; not registered";
  }
  const auto is = [&](std::uint8_t byte) { return std::ranges::count(digest.value, byte) == std::ssize(digest.value); };
  if (is(0x00) || is(0xFF)) return "all its digits are the same, so it is no digest of anything; not registered";
  if (digest.kind == DigestKind::kPdq && digest.quality.value_or(kQualityUnknown) < Calibrator::kQualityMin) {
    return "the picture's quality is too low to tell it from others (PDQ below 50); not registered";
  }
  return {};
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

// One list on its way into the register.
class ListRows {
 public:
  ListRows(RegisterDatabase& database, std::int64_t collection, Source source, PacketTime now,
           EnrolmentObserver& observer, ImportSummary& summary)
      : database_(database),
        collection_(collection),
        source_(std::move(source)),
        now_(now),
        observer_(observer),
        summary_(summary) {}

  std::uint64_t rows() const { return rows_; }
  std::size_t over() const { return over_.size(); }

  Status Take(const ImportRow& row) {
    source_.line = row.line;
    observer_.OnProgress(++rows_, 0);
    if (row.digests.empty()) Problem(row.line, row.refused);
    if (!row.problem.empty()) Problem(row.line, row.problem);
    const bool over = row.revoked || (row.expires && *row.expires <= now_);
    if (over && !row.digests.empty()) over_.push_back(row);
    for (const ListedDigest& digest : row.digests) {
      if (over) break;
      if (const std::string_view lack = WhyUseless(digest); !lack.empty()) {
        Problem(row.line, std::string(lack));
        continue;
      }
      const auto added = Add(database_, collection_, source_, digest);
      if (!added) return Fail(added.error());
      summary_.Count(*added);
      summary_.md5 += digest.kind == DigestKind::kMd5 ? 1 : 0;
      if (row.expires) {
        if (Status status = Expire(digest, *row.expires); !status) return status;
      }
      if (row.may_end) valid_.insert(digest.value);
    }
    if (rows_ % kRowsPerBatch != 0) return {};
    const Status status = database_.Commit();
    return status ? database_.Begin() : status;
  }

  // What is over goes, but for what another row says is still to be looked for.
  Status End() {
    for (const ImportRow& row : over_) {
      std::uint64_t gone = 0;
      for (const ListedDigest& digest : row.digests) {
        const auto taken = valid_.contains(digest.value) ? Result<bool>(false) : TakeOut(row, digest);
        if (!taken) return Fail(taken.error());
        gone += *taken ? 1 : 0;
      }
      const std::string why =
          row.revoked ? "this indicator was revoked" : "this indicator was valid until " + FormatRfc3339(*row.expires);
      Problem(row.line, why + (gone > 0 ? "; what was registered of it is no longer looked for" : "; not registered"));
    }
    return {};
  }

 private:
  void Problem(std::uint64_t line, const std::string& what) {
    ++summary_.problems;
    observer_.OnProblem(fmt::format("{}:{}: {}", source_.path, line, what));
  }
  // The item that is known by this digest alone. One that was enrolled as a file is the owner's own.
  Result<std::optional<ItemEntry>> Listed(const ListedDigest& digest) {
    switch (digest.kind) {
      case DigestKind::kSha256:
        return database_.ListedDigestItem(collection_, DigestOf<Sha256Digest>(digest));
      case DigestKind::kMd5:
        return database_.ListedMd5Item(collection_, DigestOf<Md5Digest>(digest));
      case DigestKind::kPdq:
        return database_.ListedPictureItem(collection_, PictureOf(digest));
    }
    return std::optional<ItemEntry>();
  }
  Status Expire(const ListedDigest& digest, PacketTime when) {
    const auto item = Listed(digest);
    if (!item) return Fail(item.error());
    return *item ? database_.ExpireItem(**item, when) : Status();
  }
  Result<bool> TakeOut(const ImportRow& row, const ListedDigest& digest) {
    const auto item = Listed(digest);
    if (!item) return Fail(item.error());
    if (!*item) return false;
    const Status status = row.revoked ? database_.Delete({**item}) : database_.ExpireItem(**item, *row.expires);
    if (!status) return Fail(status.error());
    return true;
  }

  RegisterDatabase& database_;
  std::int64_t collection_;
  Source source_;
  PacketTime now_;
  EnrolmentObserver& observer_;
  ImportSummary& summary_;
  std::uint64_t rows_ = 0;
  std::vector<ImportRow> over_;
  std::set<Bytes> valid_;  // of lists that say how long
};

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
  ListRows rows(database, *collection, *source, import.wish.now, observer, summary);
  if (Status status = database.Begin(); !status) return Fail(status.error());
  const Status read =
      ReadImportRows((*file)->text(), import.wish, [&](const ImportRow& row) { return rows.Take(row); });
  const Status whole = (*file)->status();
  const Status ended = rows.End();
  // What was read before a damaged place stays.
  const Status committed = database.Commit();
  if (!read || !whole) return Fail((!read ? read.error() : whole.error()).In(import.path));
  if (!ended || !committed) return Fail((!ended ? ended : committed).error());
  // What the list itself says is over was told.
  const Status told = rows.over() > 0
                          ? Status()
                          : TellExpiredItems(database, *collection, import.path, import.wish.now, observer, summary);
  if (!told) return Fail(told.error());
  if (rows.rows() == 0) {
    ++summary.problems;
    observer.OnProblem(fmt::format("{}: there is nothing in it", import.path));
  }
  return summary;
}

}  // namespace spanwatch::enrolment
