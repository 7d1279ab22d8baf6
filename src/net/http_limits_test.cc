// SPDX-License-Identifier: Apache-2.0
// What the server does with clients that are slow, greedy or broken.
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/http_text.h"
#include "net/net_test_support.h"

namespace adweave::net {
namespace {

using testing::HasSubstr;

constexpr int64_t kShortUs = 200'000;

void expect_problem(int status, TestClient& client) {
  const std::string answer = client.answer();
  EXPECT_EQ(status, status_of(answer));
  EXPECT_THAT(answer, HasSubstr("Content-Type: application/problem+json\r\n"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(client.is_closed());
}

TEST(HttpLimitsTest, AnswersMalformedRequestsWith400) {
  const auto server = start_server({}, echo);
  for (const std::string request :
       {"\x16\x03\x01\x02\x00garbage\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/1.1\r\nHost a\r\n\r\n",
        "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET a HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    TestClient client(server->port());
    client.send(request);
    SCOPED_TRACE(request);
    expect_problem(400, client);
  }
}

TEST(HttpLimitsTest, SaysWhatItDoesNotSpeak) {
  const auto server = start_server({}, echo);
  TestClient version(server->port());
  version.send("GET / HTTP/2.0\r\nHost: a\r\n\r\n");
  expect_problem(505, version);
  TestClient encoding(server->port());
  encoding.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n");
  expect_problem(501, encoding);
}

TEST(HttpLimitsTest, RefusesLargeHeaders) {
  const auto server = start_server({.header_bytes_max = 1000}, echo);
  TestClient fits(server->port());
  EXPECT_EQ(200, status_of(fits.ask(post("/", "x", "A: " + std::string(900, 'a') + "\r\n"))));
  TestClient line(server->port());
  line.send("GET /" + std::string(2000, 'a'));
  expect_problem(431, line);
  TestClient lines(server->port());
  lines.send("GET / HTTP/1.1\r\nHost: a\r\n");
  // One at a time, for the sum counts.
  for (int i = 0; i < 300; ++i) lines.send("A: b\r\n");
  expect_problem(431, lines);
}

TEST(HttpLimitsTest, RefusesLargeBodiesBeforeTheyAreSent) {
  const auto server = start_server({.body_bytes_max = 1000}, echo);
  TestClient fits(server->port());
  EXPECT_EQ(200, status_of(fits.ask(post("/", std::string(1000, 'x')))));
  TestClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
  expect_problem(413, client);
  TestClient chunked(server->port());
  chunked.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  chunked.send("200\r\n" + std::string(512, 'x') + "\r\n200\r\n" + std::string(512, 'x'));
  expect_problem(413, chunked);
}

TEST(HttpLimitsTest, ARefusalIsReadAlsoByThoseWhoSendOn) {
  const auto server = start_server({.body_bytes_max = 1000}, echo);
  TestClient client(server->port());
  client.send(post("/", std::string(300'000, 'x')));
  expect_problem(413, client);
}

TEST(HttpLimitsTest, BodiesTogetherHaveALimit) {
  const auto server = start_server({.bodies_bytes_max = 100'000}, echo);
  TestClient first(server->port());
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n";
  first.send(head + std::string(100'001, 'x'));
  const std::string answer = first.answer();
  EXPECT_EQ(503, status_of(answer));
  EXPECT_THAT(answer, HasSubstr("Retry-After: 1\r\n"));
  // What was refused counts no longer.
  TestClient second(server->port());
  EXPECT_EQ(200, status_of(second.ask(post("/", std::string(99'000, 'x')))));
}

TEST(HttpLimitsTest, TooManyConnectionsAreToldSo) {
  const auto server = start_server({.connections_max = 2}, echo);
  TestClient over_later(server->port());
  EXPECT_EQ(200, status_of(over_later.ask(get("/"))));
  {
    TestClient second(server->port());
    EXPECT_EQ(200, status_of(second.ask(get("/"))));
    TestClient third(server->port());
    third.send(get("/"));
    const std::string answer = third.answer();
    EXPECT_EQ(503, status_of(answer));
    EXPECT_THAT(answer, HasSubstr("Retry-After: 1\r\n"));
    EXPECT_TRUE(third.is_closed());
  }
  for (int attempt = 0; attempt < 1000; ++attempt) {  // until the server has seen them close
    TestClient again(server->port());
    if (status_of(again.ask(get("/"))) == 200) return;
  }
  FAIL() << "a connection that was closed still counts";
}

TEST(HttpLimitsTest, SlowHeadersGet408) {
  const auto server = start_server({.header_timeout_us = kShortUs}, echo);
  TestClient client(server->port());
  // A byte now and then does not buy time.
  std::string_view head =
      "GET / HTTP/1.1\r\nHost: a\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  for (; !head.empty(); head.remove_prefix(1)) {
    client.send(head.substr(0, 1));
    pollfd readable{client.socket(), POLLIN, 0};
    if (::poll(&readable, 1, 50) == 1) break;
  }
  EXPECT_FALSE(head.empty());
  expect_problem(408, client);
}

TEST(HttpLimitsTest, SlowBodiesGet408) {
  const auto server = start_server({.body_timeout_us = kShortUs}, echo);
  TestClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
  expect_problem(408, client);
}

TEST(HttpLimitsTest, IdleConnectionsAreClosed) {
  const auto server =
      start_server({.header_timeout_us = kShortUs, .idle_timeout_us = kShortUs}, echo);
  TestClient silent(server->port());
  EXPECT_TRUE(silent.is_closed());
  TestClient client(server->port());
  EXPECT_EQ(200, status_of(client.ask(get("/"))));
  EXPECT_TRUE(client.is_closed());
}

TEST(HttpLimitsTest, ClientsThatDoNotReadAreCutOff) {
  const auto server =
      start_server({.write_timeout_us = kShortUs}, [](const HttpRequest&, HttpRespond respond) {
        respond({.status = 200, .headers = {}, .body = std::string(20'000'000, 'x')});
      });
  TestClient client(server->port());
  client.send(get("/"));
  // The server gives up: what it has sent by then ends before the answer does.
  pollfd broken{client.socket(), 0, 0};
  EXPECT_EQ(1, ::poll(&broken, 1, kTestWaitMs));
  EXPECT_LT(client.rest().size(), 20'000'000U);
}

TEST(HttpLimitsTest, StopEndsAlsoWhatIsStillBeingSent) {
  const auto server = start_server({.drain_timeout_us = kShortUs}, echo);
  TestClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
  server->stop();
  EXPECT_TRUE(client.is_closed());
}

constexpr const char* kChunked =
    "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3;a=b\r\nabc\r\n0\r\nT: x\r\n\r\n";

// Changes bytes, cuts, doubles and swaps pieces of good requests.
class RequestMutator {
 public:
  explicit RequestMutator(uint64_t seed) : random_(seed) {}

  std::string next() {
    std::string text = kGood[random_() % kGood.size()];
    for (uint64_t changes = 1 + random_() % 4; changes > 0; --changes) mutate(text);
    return text;
  }

 private:
  void mutate(std::string& text) {
    if (text.empty()) return;
    const size_t at = random_() % text.size();
    const size_t size = 1 + random_() % 16;
    switch (random_() % 5) {
      case 0:
        text[at] = static_cast<char>(random_());
        break;
      case 1:
        text.erase(at, size);
        break;
      case 2:
        text.insert(at, text.substr(random_() % text.size(), size));
        break;
      case 3:
        text.resize(at);
        break;
      default:
        text.insert(at, size, "\r\n :,;%0f\t"[random_() % 10]);
    }
  }

  const std::vector<std::string> kGood = {
      get("/a?b=c&d=%20"), post("/v1/events", "{\"a\":1}", "Connection: keep-alive\r\n"),
      post("/e", "abc", "Expect: 100-continue\r\nAccept: */*\r\n"), kChunked,
      get("http://a/b") + post("/c", "d")};
  std::mt19937_64 random_;
};

class BrokenRequestsTest : public testing::TestWithParam<uint64_t> {};

TEST_P(BrokenRequestsTest, NeverKeepTheServerFromTheNextGoodOne) {
  const auto server = start_server({}, echo);
  RequestMutator mutator(GetParam());
  for (int i = 0; i < 2000; ++i) {
    TestClient broken(server->port());
    broken.send(mutator.next());
    broken.end_sending();
    broken.rest();
    if (i % 20 != 0) continue;
    TestClient good(server->port());
    ASSERT_EQ("POST /good x", body_of(good.ask(post("/good", "x"))));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, BrokenRequestsTest, testing::Values(1));

TEST(HttpTextTest, TakesTargetsApart) {
  HttpRequest request;
  EXPECT_TRUE(read_target("http://host:80/x?y", request));
  EXPECT_EQ("/x", request.path);
  EXPECT_EQ("", *request.parameter("y"));
  for (const std::string_view whole : {"https://host", "http://host?", "/"}) {
    EXPECT_TRUE(read_target(whole, request)) << whole;
    EXPECT_EQ("/", request.path);
  }
  EXPECT_TRUE(read_target("*", request));
  for (const std::string_view broken : {"", "x", "/%", "/%1", "/%g0", "/?a=%", "/?%00"}) {
    EXPECT_FALSE(read_target(broken, request)) << broken;
  }
}

}  // namespace
}  // namespace adweave::net
