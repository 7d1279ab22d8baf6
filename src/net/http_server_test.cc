// SPDX-License-Identifier: Apache-2.0
#include "net/http_server.h"

#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/net_test_support.h"

namespace adweave::net {
namespace {

using testing::HasSubstr;
using testing::Not;

// Hands requests from the server's threads to the test's.
class Mailbox {
 public:
  struct Letter {
    HttpRequest request;
    HttpRespond respond;
  };
  HttpHandler handler() {
    return [this](HttpRequest request, HttpRespond respond) {
      const std::lock_guard lock(mutex_);
      letters_.push_back(std::make_unique<Letter>(Letter{std::move(request), std::move(respond)}));
      arrived_.notify_all();
    };
  }
  // Null: none came in time.
  std::unique_ptr<Letter> take() {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, std::chrono::milliseconds(kTestWaitMs),
                      [&] { return !letters_.empty(); });
    if (letters_.empty()) return nullptr;
    std::unique_ptr<Letter> letter = std::move(letters_.front());
    letters_.erase(letters_.begin());
    return letter;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::unique_ptr<Letter>> letters_;
};

TEST(HttpServerTest, AnswersAndKeepsTheConnection) {
  const auto server = start_server({}, echo);
  TestClient client(server->port());
  for (int i = 0; i < 3; ++i) {
    const std::string answer = client.ask(post("/v1/events", "{\"a\":1}"));
    EXPECT_EQ(200, status_of(answer));
    EXPECT_EQ("POST /v1/events {\"a\":1}", body_of(answer));
    EXPECT_THAT(answer, HasSubstr("\r\nDate: "));
    EXPECT_THAT(answer, Not(HasSubstr("Connection: close")));
  }
}

TEST(HttpServerTest, HandsOnAllOfTheRequest) {
  Mailbox mailbox;
  const auto server = start_server({}, mailbox.handler());
  TestClient client(server->port());
  client.send(post("/a%20b/c+d?x=1%262&y=a+b&x=3&flag", "body", "X-Key: secret\r\n"));
  const auto letter = mailbox.take();
  ASSERT_NE(nullptr, letter);
  const HttpRequest& request = letter->request;
  EXPECT_EQ("POST", request.method);
  EXPECT_EQ("/a%20b/c+d?x=1%262&y=a+b&x=3&flag", request.target);
  EXPECT_EQ("/a b/c+d", request.path);
  EXPECT_EQ("body", request.body);
  EXPECT_EQ("127.0.0.1", request.peer);
  ASSERT_EQ(4U, request.query.size());
  EXPECT_EQ("1&2", *request.parameter("x"));
  EXPECT_EQ("a b", *request.parameter("y"));
  EXPECT_EQ("", *request.parameter("flag"));
  EXPECT_EQ(nullptr, request.parameter("X"));
  EXPECT_EQ("secret", *request.header("x-KEY"));
  EXPECT_EQ(nullptr, request.header("x-none"));
}

TEST(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  const auto server = start_server({}, echo);
  TestClient client(server->port());
  std::string requests;
  for (int i = 0; i < 500; ++i) requests += post("/" + std::to_string(i), "x");
  std::thread sender([&] { client.send(requests); });
  for (int i = 0; i < 500; ++i) {
    ASSERT_EQ("POST /" + std::to_string(i) + " x", body_of(client.answer()));
  }
  sender.join();
}

TEST(HttpServerTest, PipelinedRequestsWaitForALateAnswer) {
  Mailbox mailbox;
  const auto server = start_server({}, mailbox.handler());
  TestClient client(server->port());
  client.send(get("/1") + get("/2"));
  for (const int status : {201, 202}) {
    auto letter = mailbox.take();
    ASSERT_NE(nullptr, letter);
    EXPECT_EQ(status == 201 ? "/1" : "/2", letter->request.path);
    letter->respond({.status = status, .headers = {}, .body = ""});
    EXPECT_EQ(status, status_of(client.answer()));
  }
}

TEST(HttpServerTest, ReadsChunkedBodies) {
  const auto server = start_server({}, echo);
  TestClient client(server->port());
  const std::string head = "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(
        "POST /c hello world",
        body_of(client.ask(head + "5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nX-Late: 1\r\n\r\n")));
  }
  client.send(head);
  for (const char c : std::string("1\r\na\r\n2\r\nbc\r\n0\r\n\r\n")) client.send({&c, 1});
  EXPECT_EQ("POST /c abc", body_of(client.answer()));
}

TEST(HttpServerTest, ReadsLargeBodies) {
  const auto server = start_server({}, echo);
  TestClient client(server->port());
  const std::string body(5'000'000, 'x');
  std::thread sender([&] { client.send(post("/", body) + post("/", "next")); });
  EXPECT_EQ("POST / " + body, body_of(client.answer()));
  EXPECT_EQ("POST / next", body_of(client.answer()));
  sender.join();
}

TEST(HttpServerTest, SaysContinueToThoseWhoWaitForIt) {
  const auto server = start_server({}, echo);
  TestClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ("HTTP/1.1 100 Continue\r\n\r\n", client.answer());
  EXPECT_EQ("POST / ok", body_of(client.ask("ok")));
  // Whoever does not wait is not told.
  EXPECT_EQ("POST / ok", body_of(client.ask(post("/", "ok", "Expect: 100-continue\r\n"))));
  EXPECT_EQ(417, status_of(client.ask(post("/", "ok", "Expect: miracles\r\n"))));
}

TEST(HttpServerTest, AnswersHeadWithoutABody) {
  const auto server = start_server({}, echo);
  TestClient client(server->port());
  client.send("HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n" + get("/g"));
  const std::string head = client.answer(true);
  EXPECT_THAT(head, HasSubstr("Content-Length: 8\r\n"));  // of "HEAD /h "
  EXPECT_EQ("", body_of(head));
  EXPECT_EQ("GET /g ", body_of(client.answer()));
}

TEST(HttpServerTest, SendsWhatTheHandlerSaysAndNoMore) {
  const auto server = start_server({}, [](const HttpRequest& request, HttpRespond respond) {
    respond({.status = request.path == "/none" ? 204 : 299,
             .headers = {{"X-A", "b\r\nX-Evil: c"}, {"content-length", "7"}},
             .body = "text"});
  });
  TestClient client(server->port());
  const std::string none = client.ask(get("/none"));
  EXPECT_EQ(204, status_of(none));
  EXPECT_THAT(none, Not(HasSubstr("ength")));
  const std::string answer = client.ask(get("/"));
  EXPECT_EQ(299, status_of(answer));
  EXPECT_THAT(answer, HasSubstr("\r\nX-A: b  X-Evil: c\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 4\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("content-length")));
}

TEST(HttpServerTest, ClosesWhenAskedTo) {
  const auto server = start_server({}, echo);
  TestClient client(server->port());
  EXPECT_THAT(client.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
              HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(client.is_closed());
  TestClient old(server->port());
  EXPECT_THAT(old.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
              HasSubstr("Connection: keep-alive\r\n"));
  EXPECT_EQ(200, status_of(old.ask("GET / HTTP/1.0\r\n\r\n")));
  EXPECT_TRUE(old.is_closed());
}

TEST(HttpServerTest, ReadsWhatIsSentBeforeTheClientStopsSending) {
  const auto server = start_server({}, echo);
  TestClient client(server->port());
  client.send(get("/"));
  client.end_sending();
  EXPECT_EQ("GET / ", body_of(client.answer()));
  EXPECT_TRUE(client.is_closed());
}

TEST(HttpServerTest, AnswersFromAnotherThread) {
  Mailbox mailbox;
  const auto server = start_server({.threads = 2}, mailbox.handler());
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<TestClient>(server->port()));
    clients.back()->send(post("/" + std::to_string(i), ""));
  }
  std::vector<std::unique_ptr<Mailbox::Letter>> letters;
  for (int i = 0; i < 20; ++i) letters.push_back(mailbox.take());
  for (auto& letter : letters) {
    ASSERT_NE(nullptr, letter);
    letter->respond({.status = 200, .headers = {}, .body = letter->request.path});
  }
  for (size_t i = 0; i < clients.size(); ++i) {
    EXPECT_EQ("/" + std::to_string(i), body_of(clients[i]->answer()));
  }
}

TEST(HttpServerTest, AnAnswerAfterTheClientHasGoneGoesNowhere) {
  Mailbox mailbox;
  const auto server = start_server({}, mailbox.handler());
  std::unique_ptr<Mailbox::Letter> letter;
  {
    TestClient client(server->port());
    client.send(get("/"));
    letter = mailbox.take();
    ASSERT_NE(nullptr, letter);
  }
  letter->respond({.status = 200, .headers = {}, .body = std::string(1'000'000, 'x')});
  TestClient next(server->port());
  next.send(get("/next"));
  letter = mailbox.take();
  ASSERT_NE(nullptr, letter);
  letter->respond({});
  EXPECT_EQ(200, status_of(next.answer()));
}

TEST(HttpServerTest, WhatIsNotAnsweredGets500) {
  const auto server = start_server({}, [](const HttpRequest& request, const HttpRespond&) {
    if (request.path == "/throw") throw std::runtime_error("a bug");
  });
  TestClient client(server->port());
  for (const std::string path : {"/forget", "/throw", "/forget"}) {
    const std::string answer = client.ask(get(path));
    EXPECT_EQ(500, status_of(answer));
    EXPECT_THAT(answer, HasSubstr("Content-Type: application/problem+json\r\n"));
    EXPECT_EQ(
        R"({"type":"about:blank","title":"Internal Server Error","status":500,"detail":"the request was not answered"})",
        body_of(answer));
  }
}

TEST(HttpServerTest, StopLetsRequestsUnderWayBeAnswered) {
  Mailbox mailbox;
  const auto server =
      start_server({.drain_timeout_us = int64_t{kTestWaitMs} * 1000}, mailbox.handler());
  TestClient idle(server->port());
  std::future<void> stopped;  // waited for when the client has gone
  TestClient client(server->port());
  client.send(get("/"));
  auto letter = mailbox.take();
  ASSERT_NE(nullptr, letter);
  stopped = std::async(std::launch::async, [&] { server->stop(); });
  EXPECT_TRUE(idle.is_closed());
  EXPECT_EQ(std::future_status::timeout, stopped.wait_for(std::chrono::milliseconds(50)));
  letter->respond({.status = 202, .headers = {}, .body = "done"});
  const std::string answer = client.answer();
  EXPECT_EQ(202, status_of(answer));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(client.is_closed());
}

TEST(HttpServerTest, StopGivesUpAfterTheDrainTimeout) {
  Mailbox mailbox;
  auto server = start_server({.drain_timeout_us = 50'000}, mailbox.handler());
  TestClient client(server->port());
  client.send(get("/"));
  auto letter = mailbox.take();
  ASSERT_NE(nullptr, letter);
  const int port = server->port();
  server->stop();
  server->stop();
  EXPECT_TRUE(client.is_closed());
  EXPECT_FALSE(TestClient(port).connected());
  server.reset();
  letter->respond({});  // goes nowhere
}

TEST(HttpServerTest, SaysWhyItCannotListen) {
  const auto server = start_server({}, echo);
  const auto second = HttpServer::start({.port = server->port()}, echo);
  ASSERT_FALSE(second);
  EXPECT_EQ(ErrorCode::io, second.error().code);
  EXPECT_THAT(second.error().message, HasSubstr("is in use by another program"));
  const auto named = HttpServer::start({.address = "localhost"}, echo);
  ASSERT_FALSE(named);
  EXPECT_EQ(ErrorCode::config, named.error().code);
  const auto elsewhere = HttpServer::start({.address = "192.0.2.1"}, echo);
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(ErrorCode::io, elsewhere.error().code);
  EXPECT_FALSE(HttpServer::start({.threads = 0}, echo));
  EXPECT_FALSE(HttpServer::start({.port = 65'536}, echo));
}

TEST(HttpServerTest, ListensOnIPv6) {
  const auto server = HttpServer::start({.address = "::1"}, echo);
  if (server) {
    EXPECT_GT((*server)->port(), 0);
  } else {  // a machine without IPv6 is told so, as of any address that it does not have
    EXPECT_EQ(ErrorCode::io, server.error().code);
    EXPECT_NE(std::string::npos, server.error().message.find("::1"));
  }
}

}  // namespace
}  // namespace adweave::net
