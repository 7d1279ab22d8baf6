// SPDX-License-Identifier: Apache-2.0
#include "decode/expression.h"

#include <algorithm>
#include <array>

namespace adweave::decode {

namespace {

constexpr size_t kStepsMax = 64;
constexpr int kExpressionDepthMax = 16;
constexpr Int128 kNumberMax =
    static_cast<Int128>(kNanosPerUnit) * kNanosPerUnit * 10 * kNanosPerUnit;

// Rounded half to even; the divisor is not 0.
Int128 divide_rounded(Int128 dividend, Int128 divisor) {
  if (divisor < 0) dividend = -dividend, divisor = -divisor;
  Int128 quotient = dividend / divisor;
  const Int128 rest = dividend % divisor;
  const Int128 twice = (rest < 0 ? -rest : rest) * 2;
  if (twice > divisor || (twice == divisor && quotient % 2 != 0)) quotient += dividend < 0 ? -1 : 1;
  return quotient;
}

std::optional<Int128> within_range(Int128 number) {
  if (number >= kNumberMax || number <= -kNumberMax) return std::nullopt;
  return number;
}

std::optional<Int128> multiplied(Int128 a, Int128 b) {
  Int128 product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return within_range(divide_rounded(product, kNanosPerUnit));
}

std::optional<Int128> divided(Int128 a, Int128 b) {
  Int128 dividend = 0;
  if (b == 0 || __builtin_mul_overflow(a, static_cast<Int128>(kNanosPerUnit), &dividend))
    return std::nullopt;
  return within_range(divide_rounded(dividend, b));
}

}  // namespace

// Recursive descent: sum -> product -> factor.
class ExpressionParser {
 public:
  explicit ExpressionParser(std::string_view text) : text_(text) {}

  Result<Expression> parse() {
    ADWEAVE_TRY(sum(0));
    if (at_ < text_.size()) return error("an operator");
    return std::move(out_);
  }

 private:
  using Kind = Expression::Step::Kind;

  Error error(const std::string& wanted) const {
    return {ErrorCode::config,
            "compute '" + std::string(text_) + "': " + wanted + " is missing at character " +
                std::to_string(at_ + 1),
            "write it as {price} * {quantity}"};
  }

  char peek() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  Status put(Kind kind, Int128 number = 0, size_t path = 0) {
    if (out_.steps_.size() == kStepsMax)
      return Error{ErrorCode::config, "compute: more than " + std::to_string(kStepsMax) + " steps",
                   "make it shorter"};
    out_.steps_.push_back({kind, number, path});
    return {};
  }

  Status sum(int depth) {
    ADWEAVE_TRY(product(depth));
    while (peek() == '+' || peek() == '-') {
      const Kind kind = text_[at_++] == '+' ? Kind::add : Kind::subtract;
      ADWEAVE_TRY(product(depth));
      ADWEAVE_TRY(put(kind));
    }
    return {};
  }

  Status product(int depth) {
    ADWEAVE_TRY(factor(depth));
    while (peek() == '*' || peek() == '/') {
      const Kind kind = text_[at_++] == '*' ? Kind::multiply : Kind::divide;
      ADWEAVE_TRY(factor(depth));
      ADWEAVE_TRY(put(kind));
    }
    return {};
  }

  Status factor(int depth) {
    if (depth == kExpressionDepthMax)
      return Error{ErrorCode::config, "compute: nested too deeply", "make it simpler"};
    if (take('-')) {
      ADWEAVE_TRY(factor(depth + 1));
      return put(Kind::negate);
    }
    if (take('(')) {
      ADWEAVE_TRY(sum(depth + 1));
      if (!take(')')) return error("')'");
      return {};
    }
    return take('{') ? path() : number();
  }

  Status path() {
    const size_t end = text_.find('}', at_);
    if (end == std::string_view::npos || end == at_) return error("a path and '}'");
    const std::string name(text_.substr(at_, end - at_));
    at_ = end + 1;
    const auto known = std::find(out_.paths_.begin(), out_.paths_.end(), name);
    const auto index = static_cast<size_t>(known - out_.paths_.begin());
    if (known == out_.paths_.end()) out_.paths_.push_back(name);
    return put(Kind::path, 0, index);
  }

  Status number() {
    peek();
    const size_t end = std::min(text_.find_first_not_of("0123456789.", at_), text_.size());
    const std::optional<Int128> value = parse_nanos(text_.substr(at_, end - at_));
    if (!value) return error("a number, a {path} or '('");
    at_ = end;
    return put(Kind::number, *value);
  }

  std::string_view text_;
  size_t at_ = 0;
  Expression out_;
};

Result<Expression> Expression::compile(std::string_view text) {
  return ExpressionParser(text).parse();
}

std::optional<Int128> Expression::evaluate(std::span<const std::optional<Int128>> values) const {
  std::array<Int128, kStepsMax> stack{};
  size_t top = 0;
  for (const Step& step : steps_) {
    std::optional<Int128> result;
    switch (step.kind) {
      case Step::number:
        result = step.number_value;
        break;
      case Step::path:
        result = values[step.path_index];
        break;
      case Step::negate:
        result = -stack[--top];
        break;
      default: {
        const Int128 b = stack[--top];
        const Int128 a = stack[--top];
        result = step.kind == Step::add        ? within_range(a + b)
                 : step.kind == Step::subtract ? within_range(a - b)
                 : step.kind == Step::multiply ? multiplied(a, b)
                                               : divided(a, b);
      }
    }
    if (!result) return std::nullopt;
    stack[top++] = *result;
  }
  return stack[0];
}

}  // namespace adweave::decode
