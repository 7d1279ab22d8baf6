// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <gtest/gtest.h>

namespace adweave {
namespace {

TEST(Json, RoundTripsInOrder) {
  const std::string text =
      R"({"b":1,"a":[true,null,-9223372036854775808,1.5,"q\"\u0001"],"o":{"z":9223372036854775807}})";
  const auto value = parse_json(text);
  ASSERT_TRUE(value);
  EXPECT_EQ(value->dump(), text);
  EXPECT_EQ(*value->int_at("b"), 1);
}

TEST(Json, TellsWhatIsWrong) {
  const auto value = parse_json("{\"a\":}");
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code, ErrorCode::corrupt);
  const auto object = *parse_json("{\"a\":\"x\"}");
  EXPECT_NE(object.int_at("a").error().message.find("'a'"), std::string::npos);
  EXPECT_FALSE(object.string_at("b"));
}

TEST(Json, RefusesWhatIsNestedTooDeep) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(parse_json(nested(1000)));
  for (const size_t depth : {1001, 1'000'000}) {
    const auto value = parse_json(nested(depth));
    ASSERT_FALSE(value);
    EXPECT_NE(value.error().message.find("nested over 1000 deep"), std::string::npos);
  }
}

TEST(Json, ReplacesInvalidUtf8) {
  JsonValue value;
  value.set("raw", "a\xff");
  EXPECT_EQ(value.dump(), "{\"raw\":\"a\xEF\xBF\xBD\"}");
}

}  // namespace
}  // namespace adweave
