// SPDX-License-Identifier: Apache-2.0
#include "serve/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/http_text.h"

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
    EXPECT_EQ(std::get<Routes::Found>(find(method, path)).route,
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

TEST(Routes, APartInBracesIsAnyText) {
  Routes routes;
  routes.add({.method = "GET", .path = "/s/{a}", .only_tells = true});
  routes.add({.method = "GET", .path = "/s/{a}/v/{b}"});
  const auto find = [&](const char* target) {
    net::HttpRequest request;
    request.method = "GET";
    CHECK(net::read_target(target, request));
    return routes.find(request);
  };
  for (const auto& [target, index, values] :
       {std::tuple{"/s/x?y=z", 0, std::vector<std::string>{"x"}},
        {"/s/a%2Fb%20c", 0, {"a/b c"}},
        {"/s/x/v/1", 1, {"x", "1"}},
        {"/s/v/v/v", 1, {"v", "v"}}}) {
    const auto found = std::get<Routes::Found>(find(target));
    EXPECT_EQ(found.route, &routes.all()[static_cast<size_t>(index)]) << target;
    EXPECT_EQ(found.values, values) << target;
  }
  for (const char* target : {"/s", "/s/", "/s/x/", "/s/x/v", "/s/x/v/", "/s/x/v/1/2", "/t/x", "/"})
    EXPECT_EQ(std::get<net::HttpResponse>(find(target)).status, 404) << target;
}

}  // namespace
}  // namespace adweave::serve
