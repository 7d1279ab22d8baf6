// SPDX-License-Identifier: Apache-2.0
#include "decode/expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "decode/decode_test_support.h"

namespace adweave::decode {
namespace {

using event::Field;
using event::Reason;

// The value of an expression of {a} and {b}; "" when it has none.
std::string value_of(const std::string& text, const std::string& a = "",
                     const std::string& b = "") {
  const Result<Expression> expression = Expression::compile(text);
  CHECK(expression);
  std::vector<std::optional<Int128>> values;
  for (const std::string& path : expression->paths())
    values.push_back(parse_nanos(path == "a" ? a : b));
  const std::optional<Int128> nanos = expression->evaluate(values);
  return nanos ? format_nanos(*nanos) : "";
}

TEST(ExpressionTest, IsArithmetic) {
  EXPECT_EQ(value_of("1 + 2 * 3"), "7.000000000");
  EXPECT_EQ(value_of("(1 + 2) * 3"), "9.000000000");
  EXPECT_EQ(value_of("8 - 4 - 2"), "2.000000000");
  EXPECT_EQ(value_of("-{a} / -2", "5"), "2.500000000");
  EXPECT_EQ(value_of("{a}*{b}", "19.99", "3"), "59.970000000");
  EXPECT_EQ(value_of("({b} - {a}) / 1000", "1698840000000", "1698840001500"), "1.500000000");
  EXPECT_EQ(value_of("1 / 3"), "0.333333333");
  EXPECT_EQ(value_of("{a} / 2", "0.000000001"), "0.000000000");  // half to even
  EXPECT_EQ(value_of("{a} / 2", "0.000000003"), "0.000000002");
}

TEST(ExpressionTest, IsTotal) {
  EXPECT_EQ(value_of("{a} + 1", ""), "");
  EXPECT_EQ(value_of("{a} + 1", "many"), "");
  EXPECT_EQ(value_of("1 / {a}", "0"), "");
  EXPECT_EQ(value_of("{a} * {a}", "9999999999999999999"), "");
  EXPECT_EQ(value_of("{a} + {a}", "9999999999999999999"), "");
  EXPECT_EQ(value_of("{a} / 0.000000001", "9999999999999999999"), "");
}

TEST(ExpressionTest, SaysWhatIsWrong) {
  for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{
           {"", "a number, a {path} or '(' is missing at character 1"},
           {"1 +", "is missing at character 4"},
           {"{a", "a path and '}' is missing at character 2"},
           {"(1", "')' is missing at character 3"},
           {"1 2", "an operator is missing at character 3"},
           {std::string(40, '('), "nested too deeply"},
           {"1" + std::string(200, '1'), "a number"}}) {
    const Result<Expression> expression = Expression::compile(text);
    ASSERT_FALSE(expression) << text;
    EXPECT_THAT(expression.error().message, ::testing::HasSubstr(what));
  }
}

DecoderSpec orders() {
  FieldRule value = field(Field::value, {});
  value.compute = "{price} * {quantity}";
  value.decimal = ',';
  FieldRule order = field(Field::order_id, {"order", "order_id"});
  order.missing = Missing::reject;
  return spec_of(Format::csv, {row(event::Kind::conversion, {value, order})});
}

TEST(MappingPolicies, AComputedFieldAMissingOneAndANewColumn) {
  DecoderSpec spec = orders();
  const std::string text = "order_id,price,quantity\n1,\"2,50\",4\n2,x,4\n,1,1\n";
  const auto out = decode_text(spec, text);
  const event::Batch& batch = out.batch(event::Kind::conversion);
  ASSERT_EQ(batch.rows, 2);
  EXPECT_EQ(batch.value[0], 10'000'000'000);
  EXPECT_FALSE(batch.value.has(1));
  ASSERT_EQ(out.rejects.size(), 1U);
  EXPECT_EQ(out.rejects[0].reason, Reason::missing_field);
  EXPECT_EQ(out.rejects[0].rule, "order_id");

  spec.mapping.unread = Unread::reject;
  const auto strict = decode_text(spec, "order_id,price,quantity,gift\n1,2,3,yes\n2,2,3,\n");
  EXPECT_EQ(strict.batch(event::Kind::conversion).rows, 1);
  ASSERT_EQ(strict.rejects.size(), 1U);
  EXPECT_EQ(strict.rejects[0].reason, Reason::unread_value);
  EXPECT_THAT(strict.rejects[0].message, ::testing::HasSubstr("gift"));
}

}  // namespace
}  // namespace adweave::decode
