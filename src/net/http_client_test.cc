// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/net_test_support.h"

namespace adweave::net {
namespace {

using testing::HasSubstr;

std::string url_of(const HttpServer& server) {
  return "http://127.0.0.1:" + std::to_string(server.port());
}

Result<HttpAnswer> get_from(HttpClientOptions options, std::string_view path) {
  ADWEAVE_ASSIGN(const HttpClient client, HttpClient::open(std::move(options)));
  return client.get(path);
}

TEST(HttpClientTest, TellsWhatTheServerAnswers) {
  const auto server = start_server({}, [](const HttpRequest& request, HttpRespond respond) {
    const std::string* authorization = request.header("authorization");
    const std::string* host = request.header("host");
    const int status = request.path.ends_with("none") ? 404 : 200;
    respond({status,
             {},
             request.target + " " + (authorization ? *authorization : "-") + " " +
                 (host ? *host : "-")});
  });
  const std::string place = "127.0.0.1:" + std::to_string(server->port());
  const auto plain = get_from({.url = url_of(*server)}, "/schemas/ids/7?x=1");
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(plain->status, 200);
  EXPECT_EQ(plain->body, "/schemas/ids/7?x=1 - " + place);
  const auto other = get_from({.url = url_of(*server) + "/apis/v7/",
                               .authorization = basic_authorization("user", "pass:word")},
                              "/none");
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_EQ(other->status, 404);
  EXPECT_EQ(other->body, "/apis/v7/none Basic dXNlcjpwYXNzOndvcmQ= " + place);
}

TEST(HttpClientTest, AServerThatIsSlowIsNotWaitedFor) {
  std::vector<HttpRespond> kept;
  const auto server = start_server(
      {}, [&](const HttpRequest&, HttpRespond respond) { kept.push_back(std::move(respond)); });
  const auto begin = std::chrono::steady_clock::now();
  const auto answer = get_from({.url = url_of(*server), .timeout_us = 100'000}, "/");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::io);
  EXPECT_EQ(answer.error().recovery, Recovery::retry);
  EXPECT_THAT(answer.error().message, HasSubstr("does not answer in time"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(HttpClientTest, WhatCannotBeReachedOrReadIsNamed) {
  std::string url;
  {
    const auto server = start_server({}, [](const HttpRequest&, HttpRespond respond) {
      respond({200, {}, std::string(5000, 'x')});
    });
    url = url_of(*server);
    const auto long_answer = get_from({.url = url, .answer_bytes_max = 4999}, "/");
    ASSERT_FALSE(long_answer);
    EXPECT_THAT(long_answer.error().message, HasSubstr(url + ": it gives no answer"));
    EXPECT_TRUE(get_from({.url = url, .answer_bytes_max = 5000}, "/"));
  }
  const auto gone = get_from({.url = url, .authorization = "Bearer secret"}, "/");
  ASSERT_FALSE(gone);
  EXPECT_THAT(gone.error().message, HasSubstr(url + ": it cannot be reached"));
  EXPECT_THAT(gone.error().message, testing::Not(HasSubstr("secret")));
}

TEST(HttpClientTest, AddressesAreChecked) {
  for (const char* url : {"http://a", "https://a.b:8081/c/d", "http://[::1]:80", "https://[::1]"})
    EXPECT_TRUE(HttpClient::open({.url = url})) << url;
  for (const char* url :
       {"", "a", "ftp://a", "http://", "http://:80", "http://a:", "http://a:x", "http://a b",
        "http://u:p@a", "http://a?b", "http://[::1", "http://[::1]x", "http://a\r\nX: y"}) {
    const auto client = HttpClient::open({.url = url});
    ASSERT_FALSE(client) << url;
    EXPECT_EQ(client.error().code, ErrorCode::config);
  }
}

}  // namespace
}  // namespace adweave::net
