// SPDX-License-Identifier: Apache-2.0
#include "serve/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace adweave::serve {
namespace {

using ::testing::HasSubstr;

TEST(Routes, LeadByPathAndMethod) {
  Routes routes;
  routes.add({.method = "GET", .path = "/a", .only_tells = true});
  routes.add({.method = "GET", .path = "/b"});
  routes.add({.method = "POST", .path = "/b"});
  const auto find = [&](const char* method, const char* path) {
    net::HttpRequest request;
    request.method = method;
    request.path = path;
    return routes.find(request);
  };
  for (const auto& [method, path, index] :
       {std::tuple{"GET", "/a", 0}, {"HEAD", "/a", 0}, {"GET", "/b", 1}, {"POST", "/b", 2}}) {
    EXPECT_EQ(std::get<const Route*>(find(method, path)),
              &routes.all()[static_cast<size_t>(index)]);
  }
  const auto none = std::get<net::HttpResponse>(find("GET", "/c"));
  EXPECT_EQ(none.status, 404);
  EXPECT_THAT(none.body, HasSubstr("GET /a, GET /b, POST /b"));
  for (const auto& [method, path, allowed] :
       {std::tuple{"POST", "/a", "GET, HEAD"}, {"HEAD", "/b", "GET, POST"}}) {
    const auto wrong = std::get<net::HttpResponse>(find(method, path));
    EXPECT_EQ(wrong.status, 405);
    EXPECT_EQ(wrong.headers.back().name, "Allow");
    EXPECT_EQ(wrong.headers.back().value, allowed);
  }
}

}  // namespace
}  // namespace adweave::serve
