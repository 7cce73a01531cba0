#include "policy/condition.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/ascii.h"

namespace spanwatch::policy {
namespace {

std::vector<std::string> Tokens(std::string_view text) {
  std::vector<std::string> tokens;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) tokens.push_back(std::exchange(word, {}));
  };
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      end_word();
    } else if (c == '(' || c == ')' || c == '|') {
      end_word();
      tokens.emplace_back(1, c);
    } else {
      word.push_back(c);
    }
  }
  end_word();
  return tokens;
}

// `pattern` may hold any number of *.
bool NameMatches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

// Shunting-yard over the tokens.
class Condition::Parser {
 public:
  Parser(std::string_view text, const std::vector<std::string>& names) : tokens_(Tokens(text)), names_(names) {}

  Result<Condition> Parse() {
    if (tokens_.empty()) return Fail(ErrorCode::kInvalid, "the condition is empty");
    while (position_ < tokens_.size()) {
      if (Status status = TakeToken(); !status) return Fail(status.error());
    }
    if (wants_term_) return Fail(ErrorCode::kInvalid, "the condition ends where a search identifier is expected");
    while (!operators_.empty()) {
      if (operators_.back() == "(") return Fail(ErrorCode::kInvalid, "the condition has a '(' without its ')'");
      PopOperator();
    }
    return std::move(condition_);
  }

 private:
  Status TakeToken() {
    const std::string token = tokens_[position_];
    const std::string word = Lower(token);
    if (token == "|") {
      return Fail(ErrorCode::kInvalid,
                  "the condition uses an aggregation after '|', which Sigma 2 removed; write a correlation instead");
    }
    if (wants_term_) return TakeOperand(token, word);
    if (token == ")") return CloseParenthesis();
    if (word != "and" && word != "or") {
      return Fail(ErrorCode::kInvalid, "the condition has '{}' where 'and', 'or' or ')' is expected", token);
    }
    const int precedence = word == "and" ? 2 : 1;
    while (!operators_.empty() && Precedence(operators_.back()) >= precedence) PopOperator();
    operators_.push_back(word);
    wants_term_ = true;
    ++position_;
    return {};
  }

  Status TakeOperand(const std::string& token, const std::string& word) {
    ++position_;
    if (token == "(" || word == "not") {
      operators_.push_back(word);
      return {};
    }
    wants_term_ = false;
    if (position_ < tokens_.size() && Lower(tokens_[position_]) == "of") return TakeQuantifier(token, word);
    const auto found = std::ranges::find(names_, token);
    if (found == names_.end()) {
      return Fail(ErrorCode::kInvalid, "the condition names '{}', which the detection does not define", token);
    }
    condition_.program_.push_back({Operation::kTerm, {static_cast<std::size_t>(found - names_.begin())}, 1});
    return {};
  }

  Status TakeQuantifier(const std::string& token, const std::string& word) {
    ++position_;  // "of"
    if (position_ == tokens_.size()) return Fail(ErrorCode::kInvalid, "the condition ends after 'of'");
    const std::string pattern = tokens_[position_++];
    Step step{Operation::kAtLeast, {}, 1};
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const bool matches = Lower(pattern) == "them" ? !names_[i].starts_with('_') : NameMatches(pattern, names_[i]);
      if (matches) step.names.push_back(i);
    }
    if (step.names.empty()) {
      return Fail(ErrorCode::kInvalid, "no search identifier of the detection is like '{}'", pattern);
    }
    if (word == "all") {
      step.least = step.names.size();
    } else if (word != "any") {
      const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), step.least);
      if (error != std::errc() || end != token.data() + token.size() || step.least == 0) {
        return Fail(ErrorCode::kInvalid, "'{} of' is no quantifier; write '1 of', 'all of' or 'any of'", token);
      }
    }
    condition_.program_.push_back(std::move(step));
    return {};
  }

  Status CloseParenthesis() {
    ++position_;
    while (!operators_.empty() && operators_.back() != "(") PopOperator();
    if (operators_.empty()) return Fail(ErrorCode::kInvalid, "the condition has a ')' without its '('");
    operators_.pop_back();
    return {};
  }

  static int Precedence(const std::string& operation) {
    if (operation == "not") return 3;
    if (operation == "and") return 2;
    return operation == "or" ? 1 : 0;
  }

  void PopOperator() {
    const std::string operation = operators_.back();
    operators_.pop_back();
    const Operation code = operation == "not" ? Operation::kNot : operation == "and" ? Operation::kAnd : Operation::kOr;
    condition_.program_.push_back({code, {}, 0});
  }

  std::vector<std::string> tokens_;
  const std::vector<std::string>& names_;
  std::size_t position_ = 0;
  bool wants_term_ = true;
  std::vector<std::string> operators_;
  Condition condition_;
};

Result<Condition> Condition::Parse(std::string_view text, const std::vector<std::string>& names) {
  return Parser(text, names).Parse();
}

bool Condition::Holds(const std::vector<bool>& truths) const {
  std::vector<bool> stack;
  for (const Step& step : program_) {
    if (step.operation == Operation::kTerm) {
      stack.push_back(truths[step.names.front()]);
    } else if (step.operation == Operation::kAtLeast) {
      const auto held = std::ranges::count_if(step.names, [&](std::size_t name) { return truths[name]; });
      stack.push_back(static_cast<std::size_t>(held) >= step.least);
    } else if (step.operation == Operation::kNot) {
      stack.back() = !stack.back();
    } else {
      const bool right = stack.back();
      stack.pop_back();
      stack.back() = step.operation == Operation::kAnd ? stack.back() && right : stack.back() || right;
    }
  }
  return stack.back();
}

Requirement Condition::Requires(const std::vector<Requirement>& required) const {
  std::vector<Requirement> stack;
  for (const Step& step : program_) {
    if (step.operation == Operation::kTerm) {
      stack.push_back(required[step.names.front()]);
    } else if (step.operation == Operation::kAtLeast) {
      const bool all = step.least >= step.names.size();
      Requirement together = all ? Requirement::AnyEvent() : Requirement::NoEvent();
      for (const std::size_t name : step.names)
        together = all ? Requirement(together.And(required[name])) : together.Or(required[name]);
      stack.push_back(std::move(together));
    } else if (step.operation == Operation::kNot) {
      stack.back() = Requirement::AnyEvent();  // what is not there can be without anything
    } else {
      const Requirement right = std::move(stack.back());
      stack.pop_back();
      const Requirement& left = stack.back();
      stack.back() = step.operation == Operation::kAnd ? Requirement(left.And(right)) : left.Or(right);
    }
  }
  return stack.back();
}

}  // namespace spanwatch::policy
