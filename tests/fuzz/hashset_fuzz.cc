// Opens the input as a hash set, then a small good set of which the input overwrote a part and which was signed again,
// and looks up everything in what opens. Input: u16 offset (in units of 8 bytes, from the manifest's size on), then the
// bytes.
#include <sys/mman.h>

#include <cstring>

#include "base/check.h"
#include "support/lying_hashset.h"

namespace spanwatch::hashset {
namespace {

Bytes GoodSet(ByteView signing_seed) {
  HashSetWriter writer({.name = "fuzz", .picture_slots_from = 1});
  writer.AddCollection({.name = "lanes", .owner = "Agency"});
  for (std::uint8_t i = 0; i < 4; ++i) {
    FileFingerprint file{.size = 100u + i, .crc32 = i, .head_xxh3 = i};
    file.sha256[0] = i;
    file.image_data = file.sha256;
    for (std::uint64_t view = 0; view < 250; ++view) file.views.push_back({.hash = {{i, view, i * view, ~view}}});
    file.fragments.push_back({i, i * 0x2000000000000000ull});
    const std::uint32_t row = writer.AddItem({.kind = ItemKind::kImage, .size = file.size});
    writer.AddFile(row, file);
    writer.Remove({i});
    writer.AddRecord(row, {.plate_tag = i, .folded_tag = i + 1u, .shape = 0xf0, .pair_tags = {i}});
  }
  writer.AddShape({.shape = 0xf0, .registered = 4});
  return *writer.Encode(signing_seed);
}

void OpenAndLookUp(ByteView bytes) {
  const UniqueFd file(::memfd_create("hashset", MFD_CLOEXEC));
  CHECK(file && ::write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  static const Bytes seed(32, 1);
  static const PublicKey public_key = PublicKeyOf(seed);
  const std::vector<Bytes> trusted{{public_key.begin(), public_key.end()}};
  const auto set = MappedHashSet::Open(file, "fuzz", trusted);
  if (!set) return;
  std::mt19937_64 random(1);
  (void)LookUpEverything(**set, random);
  (void)(*set)->VerifyChecksums();
}

}  // namespace
}  // namespace spanwatch::hashset

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace spanwatch;
  static const Bytes seed(32, 1);
  static const Bytes good = hashset::GoodSet(seed);
  const ByteView input(data, size);
  hashset::OpenAndLookUp(input);
  if (size < 2) return 0;
  Bytes lie = good;
  constexpr std::size_t kFirst = 8;  // after the magic
  const std::size_t offset = kFirst + (data[0] | data[1] << 8) * 8u % (lie.size() - kFirst);
  const std::size_t count = std::min(size - 2, lie.size() - offset);
  std::memcpy(lie.data() + offset, data + 2, count);
  hashset::OpenAndLookUp(hashset::Resigned(std::move(lie), seed));
  return 0;
}
