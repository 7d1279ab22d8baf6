// SPDX-License-Identifier: Apache-2.0
#include "serve/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace adweave::serve {
namespace {

using ::testing::HasSubstr;

net::HttpRequest request_of(std::vector<net::HttpHeader> headers = {}) {
  net::HttpRequest request;
  request.headers = std::move(headers);
  request.peer = "192.0.2.1";
  return request;
}

TEST(Parameters, BecomeOneObject) {
  const ParameterEvent event =
      event_of({{"id", "7"}, {"q", "a\"b\n\xC3\xA9"}, {"empty", ""}}, {{"outcome", "win"}},
               request_of({{"user-agent", "Agent/1"}, {"Referer", "https://a.example/x"}}));
  EXPECT_FALSE(event.refusal);
  EXPECT_EQ(
      event.object,
      "{\"id\":\"7\",\"q\":\"a\\\"b\\n\xC3\xA9\",\"empty\":\"\",\"outcome\":\"win\",\"http\":{"
      "\"ip\":\"192.0.2.1\",\"user_agent\":\"Agent/1\",\"referer\":\"https://a.example/x\"}}"
      "\n");
}

TEST(Parameters, AHeaderThatIsNotThereIsNoMember) {
  EXPECT_EQ(event_of({{"id", "7"}}, {}, request_of()).object,
            "{\"id\":\"7\",\"http\":{\"ip\":\"192.0.2.1\"}}\n");
}

TEST(Parameters, WhatIsNoEventIsRefused) {
  ParameterList many;
  for (size_t i = 0; i <= limits::kParametersMax; ++i) many.emplace_back(std::to_string(i), "");
  const std::string long_name(limits::kParameterNameBytesMax + 1, 'a');
  const std::pair<ParameterList, const char*> cases[] = {
      {{}, "no event"},
      {many, "101 parameters"},
      {{{"", "x"}}, "0 bytes"},
      {{{long_name, "x"}}, "257 bytes"},
      {{{"a\xFF", "x"}}, "not UTF-8"},
      {{{"a", "\xC3"}}, "the value of 'a' is not UTF-8"},
      {{{"a", "1"}, {"b", "2"}, {"a", "1"}}, "'a' is there twice"},
      {{{"http", "1"}}, "'http' is what the server says"},
      {{{"outcome", "loss"}}, "'outcome' is what the server says"},
  };
  for (const auto& [parameters, what] : cases) {
    const ParameterEvent event = event_of(parameters, {{"outcome", "win"}}, request_of());
    ASSERT_TRUE(event.refusal) << what;
    EXPECT_EQ(event.refusal->status, 400);
    EXPECT_THAT(event.refusal->body, HasSubstr(what));
    EXPECT_THAT(event.refusal->body, HasSubstr("\"fix\":"));
  }
  many.pop_back();
  EXPECT_FALSE(event_of(many, {}, request_of()).refusal);
}

}  // namespace
}  // namespace adweave::serve
