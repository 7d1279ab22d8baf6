// SPDX-License-Identifier: Apache-2.0
// Arithmetic on numbers of a record, for a field that the feed does not have:
//
//   {price} * {quantity}        ({end_ms} - {start_ms}) / 1000
//
// + - * / with the usual precedence, a minus sign, parentheses, decimal numbers, and {paths}.
// Total: a path without a number, a division by zero or a number of 10^19 or more gives no value,
// never an error. Numbers are exact to nine decimals; products and quotients are rounded there,
// half to even.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.h"
#include "base/result.h"

namespace adweave::decode {

// Immutable.
class Expression {
 public:
  // Fails with config: what is wrong and where.
  static Result<Expression> compile(std::string_view text);

  // In the order in which evaluate() takes their values, each once.
  const std::vector<std::string>& paths() const { return paths_; }

  // In nanos. `values`: one a path.
  std::optional<Int128> evaluate(std::span<const std::optional<Int128>> values) const;

 private:
  friend class ExpressionParser;

  // Reverse Polish notation.
  struct Step {
    enum Kind { number, path, add, subtract, multiply, divide, negate } kind;
    Int128 number_value = 0;
    size_t path_index = 0;
  };
  std::vector<Step> steps_;
  std::vector<std::string> paths_;
};

}  // namespace adweave::decode
