// What stands as text inside other bytes: runs of base64, base32 and hex digits, hex dumps, lists of numbers, string
// literals with escapes. In JSON strings, XML elements, form fields, cookies, programs, SQL, bare dumps. Finding them
// in bytes that hold none costs little: attention is drawn by 48 bytes that all are of their characters, so most bytes
// are never looked at.
#include <algorithm>
#include <cstring>
#include <variant>

#include "content/dump_reader.h"
#include "content/encoded_run.h"
#include "content/literal_reader.h"
#include "content/object_node.h"

namespace spanwatch::content {
namespace {

constexpr std::size_t kAttention = 48;
// So much is kept of numbers that were looked at: a list, or the line of a dump, may begin in them.
constexpr std::size_t kListKept = 160;
// Classes of characters that draw attention: of base64, with line breaks and escapes; of digits, with what stands
// between them.
constexpr std::uint8_t kSolid = 1, kSpaced = 2;

constexpr std::array<std::uint8_t, 256> MakeAttention() {
  std::array<std::uint8_t, 256> kinds{};
  for (std::size_t c = 0; c < kinds.size(); ++c) {
    const auto byte = static_cast<char>(c);
    const bool digit = byte >= '0' && byte <= '9';
    const bool letter = (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
    const bool hex = digit || (byte >= 'A' && byte <= 'F') || (byte >= 'a' && byte <= 'f');
    if (digit || letter || std::string_view("+/-_\r\n\\%&").contains(byte)) kinds[c] |= kSolid;
    if (hex || std::string_view(" \t:\r\n,-xX").contains(byte)) kinds[c] |= kSpaced;
  }
  return kinds;
}
constexpr std::array<std::uint8_t, 256> kAttentionKind = MakeAttention();

// Where the first kAttention bytes in a row begin that all are of one of the classes; the size of the bytes when none
// do.
std::size_t Seek(ByteView bytes, std::uint8_t classes) {
  std::size_t at = 0;
  while (at + kAttention <= bytes.size()) {
    std::uint8_t kinds = classes;
    std::size_t back = at + kAttention;
    while (back > at && (kinds & kAttentionKind[bytes[back - 1]]) != 0) kinds &= kAttentionKind[bytes[--back]];
    if (back == at) return at;
    at = back;
  }
  return bytes.size();
}
bool Draws(ByteView bytes, std::uint8_t kind) { return Seek(bytes, kind) < bytes.size(); }

class EncodedRunLayer final : public Layer {
 public:
  explicit EncodedRunLayer(ObjectNode& object) : object_(object), unaligned_(object.info().kind == ObjectKind::kText) {}

  Taken Write(ByteView bytes) noexcept override {
    const std::size_t given = bytes.size();
    while (!bytes.empty()) {
      bytes = bytes.subspan(Step(bytes));
      ReadRest();
    }
    return {given, LayerState::kMore};
  }

  bool Gap(std::uint64_t length) noexcept override {
    DecideAll();
    if (Reading()) Finish();
    for (auto& child : children_) {
      if (child.node != nullptr) child.node->Gap(length);
    }
    Close(ObjectEnd::kTruncated);
    unaligned_ = true;
    return true;
  }

  void End(ObjectEnd end) noexcept override {
    if (end != ObjectEnd::kAborted) {
      DecideAll();
      Finish();
    }
    Close(end == ObjectEnd::kAborted ? end : ObjectEnd::kComplete);
  }

 private:
  struct Child {
    TextDecoder decoder{TextEncoding::kBase64};
    std::unique_ptr<ObjectNode> node;
  };
  using Reader = std::variant<std::monostate, RunReader, NumberReader, LiteralReader, DumpReader>;

  bool Reading() const { return !std::holds_alternative<std::monostate>(reader_); }

  std::size_t Step(ByteView bytes) {
    if (Reading()) return Decode(bytes);
    return wanted_ > 0 ? Gather(bytes) : Watch(bytes);
  }

  // Looks for what draws attention; until then the last bytes are remembered, since a run may begin in them.
  std::size_t Watch(ByteView bytes) {
    const std::size_t carried = std::min(window_size_, kAttention - 1);
    std::uint8_t joined[2 * kAttention];
    std::copy_n(window_ + window_size_ - carried, carried, joined);
    const std::size_t more = std::min(bytes.size(), kAttention - 1);
    std::copy_n(bytes.data(), more, joined + carried);
    const std::size_t across = Seek({joined, carried + more}, kSolid | kSpaced);
    if (across < carried) {
      Want(window_size_ - carried + across);
      return 0;
    }
    const std::size_t found = Seek(bytes, kSolid | kSpaced);
    Remember(bytes.first(found));
    if (found < bytes.size()) Want(window_size_);
    return found;
  }

  // Attention was drawn by what begins at `at` of the window.
  void Want(std::size_t at) { wanted_ = at + (kSearchBytes - kSearchBack); }

  void Remember(ByteView bytes) {
    if (bytes.size() >= kSearchBack) {
      std::copy_n(bytes.data() + bytes.size() - kSearchBack, kSearchBack, window_);
      window_size_ = kSearchBack;
      at_beginning_ = false;
      return;
    }
    DropFront(window_size_ + bytes.size() > kSearchBack ? window_size_ + bytes.size() - kSearchBack : 0);
    std::copy_n(bytes.data(), bytes.size(), window_ + window_size_);
    window_size_ += bytes.size();
  }

  void DropFront(std::size_t length) {
    if (length == 0) return;
    std::memmove(window_, window_ + length, window_size_ - length);
    window_size_ -= length;
    at_beginning_ = false;
  }

  std::size_t Gather(ByteView bytes) {
    const std::size_t taken = std::min(bytes.size(), wanted_ - window_size_);
    std::copy_n(bytes.data(), taken, window_ + window_size_);
    window_size_ += taken;
    if (window_size_ == wanted_) Decide();
    return taken;
  }

  void DecideAll() {
    while (wanted_ > 0) {
      Decide();
      ReadRest();
    }
  }

  // Opens the first run of the window; what lies behind its end is looked at again.
  void Decide() {
    const ByteView window(window_, window_size_);
    wanted_ = 0;
    const bool solid = Draws(window, kSolid), spaced = Draws(window, kSpaced);
    RunSearch search{.keep_from = window.size() - std::min(window.size(), kAttention - 1)};
    if (solid) search = FindRun(window, unaligned_ && at_beginning_);
    std::size_t start = search.run ? search.run->start : window.size();
    const auto literal = FindLiteral(window.first(start));
    const auto dump = spaced ? FindDump(window.first(start)) : std::nullopt;
    const auto numbers = spaced && !dump && !literal ? FindNumbers(window) : std::nullopt;
    if (dump && (!literal || *dump < *literal)) {
      start = *dump;
      OpenDump();
    } else if (literal) {
      start = *literal;
      OpenLiteral(window, start);
    } else if (numbers && numbers->start < start) {
      start = numbers->start;
      OpenNumbers(*numbers);
    } else if (search.run) {
      OpenRun(*search.run);
    } else {
      DropFront(spaced ? std::min(search.keep_from, window.size() - std::min(window.size(), kListKept))
                       : search.keep_from);
      if (window_size_ > kSearchBack) DropFront(window_size_ - kSearchBack);
      return;
    }
    const std::size_t used = start + Decode(window.subspan(start));
    rest_size_ = window.size() - used;
    std::copy_n(window_ + used, rest_size_, rest_);
    // What ended it stands in front of the rest.
    window_size_ = 0;
    if (!Reading() && used > 0) Remember(window.subspan(used - 1, 1));
  }

  // What a run left of the window, step by step as if it came now.
  void ReadRest() {
    while (rest_size_ > 0) {
      std::uint8_t again[kSearchBytes];
      std::copy_n(rest_, rest_size_, again);
      ByteView left(again, rest_size_);
      rest_size_ = 0;
      while (!left.empty() && rest_size_ == 0) left = left.subspan(Step(left));
      std::copy_n(left.data(), left.size(), rest_ + rest_size_);
      rest_size_ += left.size();
    }
  }

  static std::optional<std::size_t> FindLiteral(ByteView text) {
    const auto marks = [](std::uint8_t c) { return c == '\\' || c == '%'; };
    for (std::size_t i = 0; i + 2 < text.size(); ++i) {
      const bool escape = marks(text[i]) && (i == 0 || text[i - 1] != text[i]);
      const bool zip = (text[i] == 'P' || text[i] == '7') && marks(text[i + 2]);
      if (!escape && !zip) continue;
      const ByteView head = text.subspan(i, std::min(text.size() - i, LiteralReader::kHeadBytes));
      if (LiteralReader::BeginsFile(i > 0 ? text[i - 1] : 0, head)) return i;
    }
    return std::nullopt;
  }

  // The first line that begins a dump; `text` is what stands before any run.
  std::optional<std::size_t> FindDump(ByteView text) const {
    for (std::size_t line = 0; line < text.size(); ++line) {
      if ((line > 0 || at_beginning_) && DumpReader::Begins(text.subspan(line))) return line;
      line = std::min(AsText(text).find('\n', line), text.size());
    }
    return std::nullopt;
  }

  void OpenDump() {
    reader_.emplace<DumpReader>();
    children_[0].node = object_.OpenChild({.kind = ObjectKind::kDecoded, .step = "hex", .evasive = true});
  }

  void OpenLiteral(ByteView window, std::size_t start) {
    reader_.emplace<LiteralReader>(start > 0 ? window[start - 1] : 0, window.subspan(start));
    children_[0].node = object_.OpenChild({.kind = ObjectKind::kDecoded, .step = "escaped"});
  }

  void OpenNumbers(const FoundNumbers& numbers) {
    const bool hex = numbers.style == NumberReader::Style::kHexGroups;
    reader_.emplace<NumberReader>(numbers.style);
    children_[0].node = object_.OpenChild(
        {.kind = ObjectKind::kDecoded, .step = hex ? "hex" : "numbers", .evasive = hex && !numbers.array});
  }

  void OpenRun(const FoundRun& run) {
    const bool base64 = run.encoding == TextEncoding::kBase64;
    const ObjectInfo info{.kind = ObjectKind::kDecoded,
                          .step = run.encoding == TextEncoding::kHex         ? "hex"
                                  : run.encoding == TextEncoding::kBase32    ? "base32"
                                  : run.encoding == TextEncoding::kBase32Hex ? "base32hex"
                                  : run.url                                  ? "base64url"
                                                                             : "base64",
                          .evasive = !run.expected && (!base64 || run.url)};
    reader_.emplace<RunReader>(run.encoding, run.lines, run.column);
    for (int phase = 0; phase < run.phases; ++phase) {
      Child& child = children_[static_cast<std::size_t>(phase)];
      child.decoder = TextDecoder(run.encoding, phase);
      child.node = object_.OpenChild(info);
    }
  }

  // Decodes until what is read ends; returns the bytes that were its own, with the one that ended it.
  std::size_t Decode(ByteView bytes) {
    std::size_t used = 0;
    while (used < bytes.size() && Reading()) {
      if (const std::size_t taken = DecodeFast(bytes.subspan(used)); taken > 0) {
        used += taken;
        continue;
      }
      if (Add(bytes[used++])) continue;
      Flush();
      Close(ObjectEnd::kComplete);
      Remember(bytes.subspan(used - 1, 1));
    }
    if (Reading()) Flush();
    return used;
  }

  // Whole groups of base64, when there is one alignment and nothing else comes between.
  std::size_t DecodeFast(ByteView bytes) {
    auto* run = std::get_if<RunReader>(&reader_);
    Child& child = children_[0];
    if (run == nullptr || children_[1].node != nullptr || child.node == nullptr) return 0;
    if (!run->base64() || bytes.size() < 16 || !run->plain() || !child.decoder.aligned()) return 0;
    Flush();
    std::uint8_t output[3072];
    std::size_t length = std::min<std::size_t>(bytes.size(), sizeof(output) / 3 * 4);
    const auto other = std::find_if(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length),
                                    [&](std::uint8_t byte) { return !run->TakesAlphabet(byte); });
    length = static_cast<std::size_t>(other - bytes.begin());
    const std::size_t taken = DecodeGroups(bytes.first(length), output);
    if (taken == 0) return 0;
    run->Skip(taken);
    child.node->Write({output, taken / 4 * 3});
    return taken;
  }

  // False when the byte ended what is read.
  bool Add(std::uint8_t byte) {
    if (made_[0] >= kOutputBytes) Flush();
    if (auto* numbers = std::get_if<NumberReader>(&reader_)) return numbers->Add(byte, output_[0], made_[0]);
    if (auto* literal = std::get_if<LiteralReader>(&reader_)) return literal->Add(byte, output_[0], made_[0]);
    if (auto* dump = std::get_if<DumpReader>(&reader_)) return dump->Add(byte, output_[0], made_[0]);
    std::uint8_t characters[RunReader::kMostMade];
    std::size_t count = 0;
    const bool goes_on = std::get<RunReader>(reader_).Add(byte, characters, count);
    AddCharacters({characters, count});
    return goes_on;
  }

  void AddCharacters(ByteView characters) {
    for (std::size_t i = 0; i < children_.size() && children_[i].node != nullptr; ++i) {
      for (const std::uint8_t c : characters) made_[i] += children_[i].decoder.Add(c, output_[i] + made_[i]);
    }
  }

  void Finish() {
    if (auto* numbers = std::get_if<NumberReader>(&reader_)) numbers->End(output_[0], made_[0]);
    if (auto* run = std::get_if<RunReader>(&reader_)) {
      std::uint8_t characters[RunReader::kMostMade];
      std::size_t count = 0;
      run->End(characters, count);
      AddCharacters({characters, count});
    }
    Flush();
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
    reader_ = std::monostate();
    window_size_ = wanted_ = 0;
    at_beginning_ = true;
    unaligned_ = false;
  }

  static constexpr std::size_t kOutputBytes = 512;
  static constexpr std::size_t kOutputRoom = 32;  // more than one byte of input makes
  static_assert(kOutputRoom >= RunReader::kMostMade && kOutputRoom >= NumberReader::kMostMade &&
                kOutputRoom >= LiteralReader::kMostMade);

  ObjectNode& object_;
  bool unaligned_;                     // what stands in front of the first byte is missing
  bool at_beginning_ = true;           // the window begins with the first byte, or the first behind a gap
  std::uint8_t window_[kSearchBytes];  // the last bytes, and those that are looked at
  std::size_t window_size_ = 0;
  std::size_t wanted_ = 0;  // the window is looked at when it has so many; 0: nothing drew attention
  std::uint8_t rest_[kSearchBytes];
  std::size_t rest_size_ = 0;
  Reader reader_;                  // while something is decoded
  std::array<Child, 4> children_;  // one for each possible alignment
  std::uint8_t output_[4][kOutputBytes + kOutputRoom];
  std::size_t made_[4] = {0, 0, 0, 0};
};

}  // namespace

constinit const LayerSpec kEncodedRunLayer = {
    .name = "base64",
    .help =
        "Base64 and base32 (both alphabets), hex digits and dumps, lists of numbers and escaped string literals inside "
        "text.",
    .role = LayerRole::kSearch,
    .probe = [](const ObjectInfo&, ByteView, bool) { return Likelihood::kYes; },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<EncodedRunLayer>(object);
    },
};

}  // namespace spanwatch::content
