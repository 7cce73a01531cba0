#include "inspector/match_context.h"

#include <cstring>

namespace spanwatch::inspector {
namespace {

Result<std::shared_ptr<const MatchContext>> MakeMatchContext(const std::vector<process::HashSetInput>& hashsets,
                                                             const std::vector<Bytes>& trusted_keys,
                                                             const config::Limits& limits, Counters& counters) {
  auto context = std::make_shared<MatchContext>();
  std::vector<std::shared_ptr<const hashset::MappedHashSet>> sets;
  std::vector<const fingerprint::RecordTagger*> taggers;
  for (const process::HashSetInput& input : hashsets) {
    auto set = hashset::MappedHashSet::Open(input.file, input.name, trusted_keys);
    if (!set) return Fail(set.error());
    const fingerprint::RecordTagger* tagger = nullptr;
    if (!input.record_key.empty()) {
      const auto keys = fingerprint::RecordKeys::FromDerived(input.record_key);
      if (!keys) return Fail(keys.error());
      for (std::size_t i = 0; i < sets.size(); ++i) {
        if (sets[i]->manifest().record_key_id == (*set)->manifest().record_key_id) tagger = taggers[i];
      }
      if (tagger == nullptr) {
        context->taggers.push_back(std::make_unique<fingerprint::RecordTagger>(*keys));
        tagger = context->taggers.back().get();
      }
    }
    taggers.push_back(tagger);
    sets.push_back(std::move(*set));
  }
  auto index = hashset::Snapshot::Make(std::move(sets), &counters);
  if (!index) return Fail(index.error());
  context->index = std::move(*index);
  context->records = std::make_unique<fingerprint::RecordSearch>(*context->index, std::move(taggers), limits, counters);
  context->fragments = std::make_unique<fingerprint::FragmentSearch>(*context->index);
  return context;
}

}  // namespace

Result<std::shared_ptr<const MatchContext>> OpenMatchContext(std::vector<process::HashSetInput> hashsets,
                                                             const std::vector<Bytes>& trusted_keys,
                                                             const config::Limits& limits, Counters& counters) {
  auto context = MakeMatchContext(hashsets, trusted_keys, limits, counters);
  for (process::HashSetInput& input : hashsets) ::explicit_bzero(input.record_key.data(), input.record_key.size());
  return context;
}

}  // namespace spanwatch::inspector
