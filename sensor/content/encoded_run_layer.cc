// Base64 and hex runs inside any text: JSON strings, XML elements, form fields, cookies, bare dumps. Finding them in
// bytes that hold none costs little: a run is 64 characters of its alphabet, so most bytes are never looked at.
#include <algorithm>

#include "content/encoded_run.h"
#include "content/object_node.h"

namespace spanwatch::content {
namespace {

constexpr std::size_t kWindow = kBase64RunMinimum;
// A candidate is decided on by so many bytes, or all that come before it ends.
constexpr std::size_t kCandidateBytes = 768;

// Looks for runs of one class of characters; decodes them while they last.
class RunFinder {
 public:
  RunFinder(ObjectNode& object, bool blanks)
      : object_(object),
        blanks_(blanks),
        classes_(blanks ? CharacterClass::kHex | CharacterClass::kBlank | CharacterClass::kBreak
                        : CharacterClass::kStandard | CharacterClass::kUrl | CharacterClass::kBreak |
                              CharacterClass::kEscape) {
    context_.unaligned = object.info().kind == ObjectKind::kText;
  }

  void Write(ByteView bytes) {
    std::size_t at = 0;
    while (at < bytes.size()) {
      if (reader_) {
        at += Decode(bytes.subspan(at));
      } else if (candidate_size_ > 0) {
        at += Extend(bytes.subspan(at));
      } else {
        at += Seek(bytes, at);
      }
    }
    Remember(bytes);
  }

  void Gap(std::uint64_t length) {
    if (!reader_ && candidate_size_ > 0) Decide(true);
    for (auto& child : children_) {
      if (child.node != nullptr) child.node->Gap(length);
    }
    Close(ObjectEnd::kTruncated);
    candidate_size_ = 0;
    context_ = {.unaligned = true};
  }

  void End(ObjectEnd end) {
    if (end != ObjectEnd::kAborted && !reader_ && candidate_size_ > 0) Decide(true);
    Close(end == ObjectEnd::kAborted ? end : ObjectEnd::kComplete);
  }

 private:
  struct Child {
    TextDecoder decoder{TextEncoding::kBase64};
    std::unique_ptr<ObjectNode> node;
  };

  bool InClass(std::uint8_t byte) const { return (kCharacterClass[byte] & classes_) != 0; }

  // Skips what cannot hold a run; REQUIRES: the byte at `at` may begin one (nothing of the class stands before it).
  std::size_t Seek(ByteView bytes, std::size_t at) {
    const std::size_t from = at;
    for (;;) {
      const std::size_t end = std::min(at + kWindow, bytes.size());
      std::size_t back = end;
      while (back > at && InClass(bytes[back - 1])) --back;
      if (back == at && at < end) {
        // A window full, or all there is for now: the candidate begins here.
        Begin(bytes, at);
        return at - from + Extend(bytes.subspan(at));
      }
      if (back > at) context_.unaligned = false;
      at = back;
      if (end == bytes.size()) {
        if (at == end) return at - from;
        Begin(bytes, at);
        return at - from + Extend(bytes.subspan(at));
      }
    }
  }

  void Begin(ByteView bytes, std::size_t at) {
    context_.before[0] = at >= 2 ? bytes[at - 2] : at == 1 ? last_[1] : last_[0];
    context_.before[1] = at >= 1 ? bytes[at - 1] : last_[1];
  }

  std::size_t Extend(ByteView bytes) {
    std::size_t used = 0;
    while (used < bytes.size() && candidate_size_ < kCandidateBytes && InClass(bytes[used])) {
      candidate_[candidate_size_++] = bytes[used++];
    }
    if (used == bytes.size() && candidate_size_ < kCandidateBytes) return used;
    const bool full = candidate_size_ == kCandidateBytes;
    Decide(!full);
    if (!reader_ && !full) {
      // The byte that ended the candidate.
      context_.unaligned = false;
      return used + 1;
    }
    return used;
  }

  // Opens the runs in the candidate, and drops the rest but for its last line, where one may begin. `ended`: the
  // candidate is all there is, not only full.
  void Decide(bool ended) {
    while (candidate_size_ > 0) {
      const ByteView candidate(candidate_, candidate_size_);
      const auto run = candidate.size() < kWindow ? std::nullopt : FindRun(candidate, blanks_, context_);
      std::size_t used = candidate.size();
      if (run) {
        Open(*run);
        used = run->start + Decode(candidate.subspan(run->start));
      } else if (!ended) {
        const std::size_t line = AsText(candidate).rfind('\n');
        if (line != std::string_view::npos) used = line + 1;
      }
      context_.unaligned = false;
      candidate_size_ = 0;
      if (reader_) return;
      const ByteView rest = candidate.subspan(used);
      std::copy(rest.begin(), rest.end(), candidate_);
      candidate_size_ = rest.size();
      if (!ended) return;
    }
  }

  void Open(const FoundRun& run) {
    const bool hex = run.encoding == TextEncoding::kHex;
    ObjectInfo info{.kind = ObjectKind::kDecoded,
                    .step = hex       ? "hex"
                            : run.url ? "base64url"
                                      : "base64",
                    .evasive = !run.expected && (hex || run.url)};
    reader_.emplace(run.encoding, run.blanks);
    for (int phase = 0; phase < run.phases; ++phase) {
      Child& child = children_[static_cast<std::size_t>(phase)];
      child.decoder = TextDecoder(run.encoding, phase);
      child.node = object_.OpenChild(info);
    }
  }

  // Decodes until the run ends; returns the bytes that were its own, with the one that ended it.
  std::size_t Decode(ByteView bytes) {
    std::size_t used = 0;
    while (used < bytes.size() && reader_) {
      if (const std::size_t taken = DecodeFast(bytes.subspan(used)); taken > 0) {
        used += taken;
        continue;
      }
      const RunReader::Token token = reader_->Add(bytes[used++]);
      if (token == RunReader::Token::kEnd) {
        Flush();
        Close(ObjectEnd::kComplete);
      } else if (token == RunReader::Token::kCharacter) {
        Add(reader_->character());
      }
    }
    if (reader_) Flush();
    return used;
  }

  // Whole groups of base64, when there is one alignment and nothing else comes between.
  std::size_t DecodeFast(ByteView bytes) {
    Child& child = children_[0];
    if (children_[1].node != nullptr || child.node == nullptr || !reader_->plain() || !child.decoder.aligned())
      return 0;
    if (reader_->hex() || bytes.size() < 16) return 0;
    Flush();
    std::uint8_t output[3072];
    std::size_t length = std::min<std::size_t>(bytes.size(), sizeof(output) / 3 * 4);
    const auto other = std::find_if(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length),
                                    [&](std::uint8_t byte) { return !reader_->TakesAlphabet(byte); });
    length = static_cast<std::size_t>(other - bytes.begin());
    const std::size_t taken = DecodeGroups(bytes.first(length), output);
    if (taken == 0) return 0;
    reader_->Skip(taken);
    child.node->Write({output, taken / 4 * 3});
    return taken;
  }

  void Add(std::uint8_t character) {
    for (std::size_t i = 0; i < children_.size() && children_[i].node != nullptr; ++i) {
      made_[i] += children_[i].decoder.Add(character, output_[i] + made_[i]);
    }
    if (made_[0] == kOutputBytes) Flush();
  }

  void Flush() {
    for (std::size_t i = 0; i < children_.size(); ++i) {
      if (children_[i].node != nullptr && made_[i] > 0) children_[i].node->Write({output_[i], made_[i]});
      made_[i] = 0;
    }
  }

  void Close(ObjectEnd end) {
    for (Child& child : children_) {
      if (child.node != nullptr) child.node->End(end);
      child.node.reset();
    }
    reader_.reset();
    context_.unaligned = false;
  }

  void Remember(ByteView bytes) {
    if (bytes.size() >= 2) last_[0] = bytes[bytes.size() - 2];
    if (bytes.size() == 1) last_[0] = last_[1];
    if (!bytes.empty()) last_[1] = bytes.back();
  }

  static constexpr std::size_t kOutputBytes = 512;

  ObjectNode& object_;
  bool blanks_;
  std::uint8_t classes_;
  RunContext context_;
  std::uint8_t last_[2] = {0, 0};  // of the last Write
  std::uint8_t candidate_[kCandidateBytes];
  std::size_t candidate_size_ = 0;
  std::optional<RunReader> reader_;  // while a run is decoded
  std::array<Child, 4> children_;    // one for each possible alignment
  std::uint8_t output_[4][kOutputBytes + 1];
  std::size_t made_[4] = {0, 0, 0, 0};
};

class EncodedRunLayer final : public Layer {
 public:
  explicit EncodedRunLayer(ObjectNode& object) : solid_(object, false), spaced_(object, true) {}

  Taken Write(ByteView bytes) noexcept override {
    solid_.Write(bytes);
    spaced_.Write(bytes);
    return {bytes.size(), LayerState::kMore};
  }
  bool Gap(std::uint64_t length) noexcept override {
    solid_.Gap(length);
    spaced_.Gap(length);
    return true;
  }
  void End(ObjectEnd end) noexcept override {
    solid_.End(end);
    spaced_.End(end);
  }

 private:
  RunFinder solid_;
  RunFinder spaced_;
};

}  // namespace

constinit const LayerSpec kEncodedRunLayer = {
    .name = "base64",
    .help = "Runs of base64 (both alphabets) and hex digits inside text.",
    .role = LayerRole::kSearch,
    .probe = [](const ObjectInfo&, ByteView, bool) { return Likelihood::kYes; },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<EncodedRunLayer>(object);
    },
};

}  // namespace spanwatch::content
