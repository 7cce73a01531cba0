// A list of digests from elsewhere, in whatever form: every row has digests of the right length, or a reason.
#include <sstream>

#include "base/check.h"
#include "register/import_rows.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace spanwatch;
  using namespace spanwatch::enrolment;
  if (size == 0) return 0;
  ImportWish wish{.kind = std::nullopt, .now = PacketTime{}};
  if (data[0] % 4 != 3) wish.kind = static_cast<DigestKind>(data[0] % 4);
  std::istringstream list(std::string(AsText({data + 1, size - 1})));
  const Status status = ReadImportRows(list, wish, [&](const ImportRow& row) -> Status {
    CHECK(row.line > 0 && row.digests.empty() != row.refused.empty());
    for (const ListedDigest& digest : row.digests) {
      CHECK(digest.value.size() == (digest.kind == DigestKind::kMd5 ? 16u : 32u));
      CHECK(!wish.kind || *wish.kind == digest.kind);
    }
    return {};
  });
  (void)status;
  return 0;
}
