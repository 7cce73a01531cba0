// ReadImportRows: the digests and picture hashes that a list from elsewhere holds, whatever it was written by. The form
// is recognised by the content:
//
//   lines     one digest a line: bare, or as sha256sum, md5sum (--tag, --zero), openssl, md5deep, certutil and
//             Get-FileHash print it; PDQ with `,quality`
//   CSV       a first line that names columns: sha256, md5, pdq, quality, or one of values beside one of types; comma,
//             semicolon or tab
//   JSON      objects in an array, in an array of the outer object, or one behind another: ThreatExchange's indicators,
//             Hasher-Matcher-Actioner's signals (Meta), MISP's attributes, or fields sha256, md5, pdq; digests in an
//             array
//   STIX 2.1  indicators with a pattern of file:hashes, files with hashes (OASIS, STIX 2.1 sections 4.7, 6.7, 9); of an
//             indicator that is there in several versions the latest counts (section 3.6)
//
// Of an object with several digests the strongest is taken. Any thread; nothing is kept.
#pragma once

#include <functional>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

namespace spanwatch::enrolment {

enum class DigestKind : std::uint8_t { kSha256, kMd5, kPdq };

struct ListedDigest {
  DigestKind kind = DigestKind::kSha256;
  Bytes value;                          // 32 bytes, of MD5 16
  std::optional<std::uint8_t> quality;  // of PDQ, 0 to 100
};

// One line, or one object of a JSON document. Without digests it was refused.
struct ImportRow {
  std::uint64_t line = 0;  // where it begins, from 1
  std::vector<ListedDigest> digests;
  bool may_end = false;                    // STIX: an indicator, which has versions
  bool revoked = false;                    // STIX: its digests are no longer to be looked for
  std::optional<PacketTime> expires = {};  // STIX: no longer from then on, which may be over
  std::string refused;
  std::string problem = {};  // it may have been read otherwise than it was meant
};

struct ImportWish {
  std::optional<DigestKind> kind;  // no other is taken; without it 64 digits alone are a SHA-256
  PacketTime now;                  // wall clock: indicators that begin later are refused
};

// The first failure of `row` ends it; so does a document that cannot be read any further.
Status ReadImportRows(std::istream& list, const ImportWish& wish, const std::function<Status(const ImportRow&)>& row);

}  // namespace spanwatch::enrolment
