#include "policy/value_pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <charconv>
#include <cwctype>

#include "base/utf8.h"

namespace spanwatch::policy {
namespace {

constexpr char32_t kAny = 0xffff'fff0;  // * : any run
constexpr char32_t kOne = 0xffff'fff1;  // ? : any one character
constexpr std::uint32_t kMatchLimit = 200'000;

char32_t Fold(char32_t point) {
  if (point < 128) return point >= 'A' && point <= 'Z' ? point + 32 : point;
  // towlower works on code points in glibc and needs no locale data for what the C.UTF-8 tables hold.
  if (point <= 0x10ffff) return static_cast<char32_t>(std::towlower(static_cast<wint_t>(point)));
  return point;
}

// Code points of UTF-8; an invalid byte stands for itself, so that nothing is lost.
std::u32string CodePoints(std::string_view text, bool cased) {
  std::u32string points;
  points.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto [character, used] = DecodeUtf8(text, i);
    const char32_t point = used == 1 ? static_cast<unsigned char>(text[i]) : character;
    points.push_back(cased ? point : Fold(point));
    i += used;
  }
  return points;
}

// Glob match without recursion: remembers the latest star.
bool GlobMatches(std::u32string_view glob, std::u32string_view text) {
  std::size_t g = 0, t = 0, star = std::u32string_view::npos, resume = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == kAny) {
      star = g++;
      resume = t;
    } else if (g < glob.size() && (glob[g] == kOne || glob[g] == text[t])) {
      ++g;
      ++t;
    } else if (star != std::u32string_view::npos) {
      g = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == kAny) ++g;
  return g == glob.size();
}

}  // namespace

struct ValuePattern::CompiledExpression {
  struct CodeDeleter {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  };
  struct ContextDeleter {
    void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
  };
  std::unique_ptr<pcre2_code, CodeDeleter> code;
  std::unique_ptr<pcre2_match_context, ContextDeleter> context;
};

std::optional<double> NumberOf(const EventValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  if (const auto* real = std::get_if<double>(&value)) return *real;
  if (const auto* text = std::get_if<std::string>(&value)) {
    double number = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error == std::errc() && end == text->data() + text->size() && !text->empty()) return number;
  }
  return std::nullopt;
}

std::u32string FoldedCodePoints(std::string_view text) { return CodePoints(text, false); }

std::string TextOf(const EventValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  if (const auto* real = std::get_if<double>(&value)) return fmt::format("{}", *real);
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean ? "true" : "false";
  return "";
}

ValuePattern ValuePattern::Text(std::string_view pattern, TextOptions options) {
  ValuePattern compiled;
  compiled.cased_ = options.cased;
  if (options.open_start) compiled.glob_.push_back(kAny);
  const std::u32string literal = CodePoints(pattern, options.cased);
  for (std::size_t i = 0; i < literal.size(); ++i) {
    const bool escapes = literal[i] == '\\' && i + 1 < literal.size() &&
                         (literal[i + 1] == '*' || literal[i + 1] == '?' || literal[i + 1] == '\\');
    if (escapes) {
      compiled.glob_.push_back(literal[++i]);
    } else if (literal[i] == '*') {
      if (compiled.glob_.empty() || compiled.glob_.back() != kAny) compiled.glob_.push_back(kAny);
    } else {
      compiled.glob_.push_back(literal[i] == '?' ? kOne : literal[i]);
    }
  }
  if (options.open_end) compiled.glob_.push_back(kAny);
  return compiled;
}

ValuePattern ValuePattern::Number(double number, Comparison comparison) {
  ValuePattern compiled;
  compiled.comparison_ = comparison;
  compiled.number_ = number;
  return compiled;
}

ValuePattern ValuePattern::Boolean(bool value) {
  ValuePattern compiled;
  compiled.boolean_ = value;
  return compiled;
}

ValuePattern ValuePattern::Null() {
  ValuePattern compiled;
  compiled.comparison_ = Comparison::kNull;
  return compiled;
}

Result<ValuePattern> ValuePattern::InNetwork(std::string_view network) {
  const auto parsed = ParseNetwork(network);
  if (!parsed) return Fail(parsed.error());
  ValuePattern compiled;
  compiled.comparison_ = Comparison::kNetwork;
  compiled.network_ = *parsed;
  return compiled;
}

Result<ValuePattern> ValuePattern::Expression(std::string_view expression, std::string_view flags) {
  std::uint32_t options = PCRE2_NEVER_BACKSLASH_C;
  if (flags.find('i') != std::string_view::npos) options |= PCRE2_CASELESS;
  if (flags.find('m') != std::string_view::npos) options |= PCRE2_MULTILINE;
  if (flags.find('s') != std::string_view::npos) options |= PCRE2_DOTALL;
  int error = 0;
  PCRE2_SIZE offset = 0;
  auto compiled_expression = std::make_shared<CompiledExpression>();
  compiled_expression->code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(),
                                                options, &error, &offset, nullptr));
  if (compiled_expression->code == nullptr) {
    char reason[128] = {};
    pcre2_get_error_message(error, reinterpret_cast<PCRE2_UCHAR*>(reason), sizeof(reason));
    return Fail(ErrorCode::kInvalid, "the regular expression is wrong at character {}: {}", offset + 1, reason);
  }
  compiled_expression->context.reset(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(compiled_expression->context.get(), kMatchLimit);
  ValuePattern compiled;
  compiled.comparison_ = Comparison::kExpression;
  compiled.expression_ = std::move(compiled_expression);
  return compiled;
}

bool ValuePattern::MatchesText(std::string_view text) const {
  if (comparison_ == Comparison::kExpression) {
    pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
    const int result = pcre2_match(expression_->code.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0,
                                   0, data, expression_->context.get());
    pcre2_match_data_free(data);
    return result >= 0;
  }
  if (comparison_ == Comparison::kNetwork) {
    const auto address = ParseIpAddress(text);
    return address && network_.Contains(*address);
  }
  return GlobMatches(glob_, CodePoints(text, cased_));
}

bool ValuePattern::Matches(const EventValue& value) const {
  if (comparison_ == Comparison::kNull) {
    const auto* text = std::get_if<std::string>(&value);
    return std::holds_alternative<std::monostate>(value) || (text != nullptr && text->empty());
  }
  if (std::holds_alternative<std::monostate>(value)) return false;
  if (boolean_) {
    if (const auto* boolean = std::get_if<bool>(&value)) return *boolean == *boolean_;
    return GlobMatches(*boolean_ ? U"true" : U"false", CodePoints(TextOf(value), false));
  }
  if (number_) {
    const auto number = NumberOf(value);
    if (!number) return false;
    switch (comparison_) {
      case Comparison::kLess:
        return *number < *number_;
      case Comparison::kLessOrEqual:
        return *number <= *number_;
      case Comparison::kGreater:
        return *number > *number_;
      case Comparison::kGreaterOrEqual:
        return *number >= *number_;
      default:
        return *number == *number_;
    }
  }
  return MatchesText(TextOf(value));
}

// Without wildcards the whole value; else every run of characters between them that is long enough.
std::vector<EventKey> ValuePattern::KeysOfText(std::string_view field) const {
  const auto is_wildcard = [](char32_t point) { return point == kAny || point == kOne; };
  std::u32string glob = glob_;
  for (char32_t& point : glob) {
    if (cased_ && !is_wildcard(point)) point = Fold(point);  // others are
  }
  if (std::ranges::none_of(glob, is_wildcard)) return {EqualKey(field, glob)};
  std::vector<EventKey> keys;
  glob.insert(glob.begin(), kTextBegins);
  glob.push_back(kTextEnds);
  for (std::size_t at = 0; at + kGramCharacters <= glob.size(); ++at) {
    const std::u32string_view gram = std::u32string_view(glob).substr(at, kGramCharacters);
    if (std::ranges::none_of(gram, is_wildcard)) keys.push_back(GramKey(field, gram));
  }
  return keys;
}

std::vector<EventKey> ValuePattern::Keys(std::string_view field) const {
  if (comparison_ == Comparison::kNull) return {};
  std::vector<EventKey> keys;
  if (boolean_) {
    keys = {EqualKey(field, *boolean_ ? U"true" : U"false")};
  } else if (number_) {
    if (comparison_ == Comparison::kEqual) keys = {NumberKey(field, *number_)};
  } else if (comparison_ == Comparison::kEqual) {
    keys = KeysOfText(field);
  }
  // That any field is there tells nothing.
  if (keys.empty() && !field.empty()) keys = {PresentKey(field)};
  return keys;
}

}  // namespace spanwatch::policy
