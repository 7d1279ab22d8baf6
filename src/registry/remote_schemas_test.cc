// SPDX-License-Identifier: Apache-2.0
#include "registry/remote_schemas.h"

#include <atomic>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/http_server.h"
#include "tests/support/simulated_disk.h"

namespace adweave::registry {
namespace {

using testing::HasSubstr;
using tests::SimulatedDisk;

constexpr const char* kFetched = "/data/registry/fetched";

// A registry that answers what it is told, and counts how often it is asked.
class Answerer {
 public:
  Answerer() {
    auto started = net::HttpServer::start(
        {}, [this](const net::HttpRequest& request, net::HttpRespond respond) {
          ++asked;
          const bool is_seven = request.path == "/schemas/ids/7";
          if (status == 200 && is_seven) return respond({200, {}, R"({"schema":"\"string\""})"});
          if (status == 200) return respond({404, {}, R"({"error_code":40403,"message":"none"})"});
          respond({status, {}, "no registry"});
        });
    CHECK(started);
    server_ = *std::move(started);
  }

  std::string url() const { return fmt::format("http://127.0.0.1:{}", server_->port()); }

  std::atomic<int> status = 200;
  std::atomic<int> asked = 0;

 private:
  std::unique_ptr<net::HttpServer> server_;
};

std::shared_ptr<RemoteSchemas> opened(FileSystem& fs, const std::string& url) {
  auto schemas = RemoteSchemas::open(fs, kFetched, {.url = url});
  CHECK(schemas);
  return *std::move(schemas);
}

TEST(RemoteSchemas, WhatWasFetchedIsThereWithoutTheRegistry) {
  SimulatedDisk disk;
  std::string url;
  {
    Answerer answerer;
    url = answerer.url();
    const auto schemas = opened(disk, url);
    EXPECT_FALSE(schemas->find(7));
    EXPECT_EQ(schemas->version(), 0);
    const Result<int64_t> fetched = schemas->fetch_wanted();
    ASSERT_TRUE(fetched) << fetched.error().message;
    EXPECT_EQ(*fetched, 1);
    EXPECT_EQ(schemas->find(7), "\"string\"");
    EXPECT_TRUE(schemas->fetch_wanted());
    EXPECT_EQ(answerer.asked, 1);
  }
  const std::unique_ptr<SimulatedDisk> found = disk.after_power_cut(nullptr);
  const auto again = opened(*found, url);
  EXPECT_EQ(again->find(7), "\"string\"");
  EXPECT_TRUE(again->fetch_wanted());                           // nothing is wanted
  EXPECT_FALSE(opened(*found, "http://127.0.0.1:1")->find(7));  // of another registry
}

TEST(RemoteSchemas, AnIdThatTheRegistryDoesNotKnowIsAskedForOnce) {
  SimulatedDisk disk;
  Answerer answerer;
  const auto schemas = opened(disk, answerer.url());
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(schemas->find(8));
    const Result<int64_t> fetched = schemas->fetch_wanted();
    ASSERT_TRUE(fetched) << fetched.error().message;
    EXPECT_EQ(*fetched, 0);
  }
  EXPECT_EQ(answerer.asked, 1);
  EXPECT_FALSE(schemas->is_out_of_reach());
}

TEST(RemoteSchemas, ARegistryInTroubleIsLeftAloneForAWhile) {
  for (const int status : {500, 404, 401}) {  // a 404 that no registry says
    SimulatedDisk disk;
    Answerer answerer;
    answerer.status = status;
    const auto schemas = opened(disk, answerer.url());
    EXPECT_FALSE(schemas->find(7));
    for (int i = 0; i < 2; ++i) {
      const Result<int64_t> fetched = schemas->fetch_wanted();
      ASSERT_FALSE(fetched);
      EXPECT_THAT(fetched.error().message, HasSubstr(fmt::format("it answers {}", status)));
      EXPECT_TRUE(schemas->is_out_of_reach());
    }
    EXPECT_EQ(answerer.asked, 1);
    answerer.status = 200;
    const int64_t patience = schemas->patience_us();
    EXPECT_GT(patience, 0);
    std::this_thread::sleep_for(std::chrono::microseconds(patience));
    const Result<int64_t> fetched = schemas->fetch_wanted();
    ASSERT_TRUE(fetched) << fetched.error().message;
    EXPECT_EQ(*fetched, 1);
    EXPECT_FALSE(schemas->is_out_of_reach());
    EXPECT_EQ(schemas->patience_us(), 0);
  }
}

}  // namespace
}  // namespace adweave::registry
