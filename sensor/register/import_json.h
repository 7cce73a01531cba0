// The JSON forms of import_rows.h, and what both kinds of list share. Any thread; nothing is kept.
#pragma once

#include "register/import_rows.h"

namespace spanwatch::enrolment {

// Lower case, letters and digits only: `SHA-256`, `sha_256` and `HASH_SHA256` differ no more.
std::string PlainName(std::string_view name);
// The kind that a plain name speaks of, if any.
std::optional<DigestKind> DigestKindOfName(std::string_view plain);
constexpr std::size_t DigestBytes(DigestKind kind) { return kind == DigestKind::kMd5 ? 16 : 32; }

// The digests of one row: keeps the strongest of a file's, and a picture hash beside it.
class Gathered {
 public:
  explicit Gathered(const ImportWish& wish) : wish_(wish) {}
  void Add(DigestKind kind, std::string_view digits, std::optional<std::uint8_t> quality = std::nullopt);
  // Of a kind that its length and the wish tell.
  void AddUntyped(std::string_view digits, std::optional<std::uint8_t> quality = std::nullopt);
  // For a row that has another reason.
  void Refuse(std::string reason) { refused_ = std::move(reason); }
  void Finish(ImportRow& row);

 private:
  const ImportWish& wish_;
  std::vector<ListedDigest> digests_;
  std::string refused_;
};

// `document` begins on line `line`. Objects that are no indicators (of a STIX bundle: identities, relations) are no
// rows.
Status ReadJsonRows(std::string_view document, std::uint64_t line, const ImportWish& wish,
                    const std::function<Status(const ImportRow&)>& row);

}  // namespace spanwatch::enrolment
