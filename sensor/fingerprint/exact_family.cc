// The exact family: SHA-256 and size of a whole object. An object that begins like no registered file is not digested,
// unless a set holds bare digests.
#include "fingerprint/digest.h"
#include "fingerprint/family.h"
#include "fingerprint/file_head.h"

namespace spanwatch::fingerprint {
namespace {

class ExactSketcher final : public Sketcher {
 public:
  ExactSketcher(const SketchContext& context, SketchFacts& facts) : context_(context), facts_(facts) {
    for (std::size_t set = 0; set < context.index.set_count(); ++set)
      always_ |= context.index.Set(set).has_bare_digests;
  }

  void Update(ByteView bytes) noexcept override {
    if (off_) return;
    if (!digest_) {
      bytes = bytes.subspan(head_.Take(bytes));
      if (head_.full()) Decide();
    }
    if (off_)
      context_.counters.Add(Counter::exact_bytes_skipped, bytes.size());
    else if (digest_)
      digest_->Update(bytes);
  }
  // What came before a gap, and what comes after one at the beginning, may be a whole file all the same: equal bytes
  // are the file, whatever the protocol said of an end (a length too long, a last chunk too few), a range or a loss.
  void Gap(std::uint64_t) noexcept override {
    Conclude(false);
    off_ = off_ || facts_.size > 0;
  }
  void Finish(ObjectEnd end) noexcept override { Conclude(end == ObjectEnd::kComplete && !facts_.gap); }

 private:
  void Conclude(bool whole) {
    if (off_ || facts_.size == 0) return;
    if (!digest_) Decide();
    if (!digest_) return;
    const Sha256Digest sha256 = digest_->Finish<Sha256Digest>();
    std::vector<ItemRef> found;
    context_.index.FindDigest(sha256, facts_.size, found);
    if (whole || !found.empty()) facts_.sha256 = sha256;
    for (const ItemRef item : found) context_.sink.OnMatch({.item = item, .method = Method::kExact, .coverage = 1});
  }
  void Decide() {
    if (always_ || context_.index.MayBegin(head_.Hash())) {
      digest_.emplace(EVP_sha256());
      digest_->Update(head_.bytes());
      return;
    }
    off_ = true;
    context_.counters.Add(Counter::exact_bytes_skipped, head_.bytes().size());
  }

  const SketchContext context_;
  SketchFacts& facts_;
  bool off_ = false;
  bool always_ = false;
  FileHead head_{FileHead::Of::kFile};
  std::optional<Digest> digest_;
};

}  // namespace

std::unique_ptr<Sketcher> Make_exact(const SketchContext& context, const ObjectContext&, SketchFacts& facts) {
  return std::make_unique<ExactSketcher>(context, facts);
}

}  // namespace spanwatch::fingerprint
