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

TEST(Parameters, AFormReadsLikeAQuery) {
  net::HttpRequest request = request_of({{"Content-Type", "Application/X-WWW-Form-Urlencoded"}});
  request.method = "POST";
  request.body = "a=1+2&b=%C3%A9&c";
  EXPECT_EQ(std::get<ParameterList>(parameters_of(request)),
            (ParameterList{{"a", "1 2"}, {"b", "\xC3\xA9"}, {"c", ""}}));
  const auto status = [&] {
    const auto found = parameters_of(request);
    const auto* refusal = std::get_if<net::HttpResponse>(&found);
    return refusal == nullptr ? 0 : refusal->status;
  };
  request.body = "a=%";
  EXPECT_EQ(status(), 400);
  request.body = std::string(limits::kFormBytesMax, 'a');
  EXPECT_EQ(status(), 0);
  request.body += 'a';
  EXPECT_EQ(status(), 413);
  request.body = "a=1";
  request.query = {{"b", "2"}};
  EXPECT_EQ(status(), 400);
  request.headers = {{"Content-Type", "application/json"}};
  EXPECT_EQ(status(), 415);
  request.method = "GET";
  EXPECT_EQ(std::get<ParameterList>(parameters_of(request)), (ParameterList{{"b", "2"}}));
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
