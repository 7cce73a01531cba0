// The exact family: SHA-256 and size of a whole object. An object that begins like no registered file is not digested, unless
// a set holds bare digests.
#include <xxhash.h>

#include <algorithm>

#include "fingerprint/digest.h"
#include "fingerprint/family.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kHeadBytes = 1024;

class ExactSketcher final : public Sketcher {
 public:
  ExactSketcher(const SketchContext& context, bool whole, SketchFacts& facts) : context_(context), facts_(facts), off_(!whole) {
    for (std::size_t set = 0; set < context.index.set_count(); ++set) always_ |= context.index.Set(set).has_bare_digests;
  }

  void Update(ByteView bytes) noexcept override {
    if (off_ || facts_.gap) return;
    if (!digest_) {
      const std::size_t taken = std::min(bytes.size(), kHeadBytes - head_.size());
      head_.insert(head_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
      bytes = bytes.subspan(taken);
      if (head_.size() == kHeadBytes) Decide();
    }
    if (off_) context_.counters.Add(Counter::exact_bytes_skipped, bytes.size());
    else if (digest_) digest_->Update(bytes);
  }
  void Gap(std::uint64_t) noexcept override {}
  void Finish(ObjectEnd end) noexcept override {
    if (off_ || facts_.gap || end != ObjectEnd::kComplete || facts_.size == 0) return;
    if (!digest_) Decide();
    if (!digest_) return;
    facts_.sha256 = digest_->Finish<Sha256Digest>();
    std::vector<ItemRef> found;
    context_.index.FindDigest(*facts_.sha256, facts_.size, found);
    for (const ItemRef item : found) context_.sink.OnMatch({.item = item, .method = Method::kExact, .coverage = 1});
  }

 private:
  void Decide() {
    if (always_ || context_.index.MayBegin(XXH3_64bits(head_.data(), head_.size()))) {
      digest_.emplace(EVP_sha256());
      digest_->Update(head_);
      return;
    }
    off_ = true;
    context_.counters.Add(Counter::exact_bytes_skipped, head_.size());
  }

  const SketchContext context_;
  SketchFacts& facts_;
  bool off_;
  bool always_ = false;
  Bytes head_;
  std::optional<Digest> digest_;
};

}  // namespace

std::unique_ptr<Sketcher> Make_exact(const SketchContext& context, const ObjectContext& object, SketchFacts& facts) {
  return std::make_unique<ExactSketcher>(context, !object.info->range, facts);
}

}  // namespace spanwatch::fingerprint
