// The exact family: SHA-256 and size of a whole object. An object that begins like no registered file is not digested,
// unless a set holds bare digests. Where a set holds items of which only the MD5 is known, every object gets that too.
#include "fingerprint/digest.h"
#include "fingerprint/family.h"
#include "fingerprint/file_head.h"

namespace spanwatch::fingerprint {
namespace {

class ExactSketcher final : public Sketcher {
 public:
  ExactSketcher(const SketchContext& context, SketchFacts& facts) : context_(context), facts_(facts) {
    for (std::size_t set = 0; set < context.index.set_count(); ++set) {
      const SetFacts facts_of_set = context.index.Set(set);
      always_ |= facts_of_set.has_bare_digests;
      if (facts_of_set.has_bare_md5 && !md5_) md5_.emplace(EVP_md5());
    }
  }

  void Update(ByteView bytes) noexcept override {
    if (md5_) md5_->Update(bytes);
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
    if (facts_.size == 0) return;
    std::vector<ItemRef> found;
    if (md5_) context_.index.FindMd5(md5_->Finish<Md5Digest>(), found);
    md5_.reset();
    if (!off_ && !digest_) Decide();
    if (!off_ && digest_) {
      const std::size_t by_md5 = found.size();
      const Sha256Digest sha256 = digest_->Finish<Sha256Digest>();
      context_.index.FindDigest(sha256, facts_.size, found);
      if (whole || found.size() > by_md5) facts_.sha256 = sha256;
    }
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
  std::optional<Digest> md5_;
};

}  // namespace

std::unique_ptr<Sketcher> Make_exact(const SketchContext& context, const ObjectContext&, SketchFacts& facts) {
  return std::make_unique<ExactSketcher>(context, facts);
}

}  // namespace spanwatch::fingerprint
