// SPDX-License-Identifier: Apache-2.0
#include "serve/openapi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace adweave::serve {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> names_of(const JsonValue* object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : *object->as_object()) names.push_back(name);
  return names;
}

Routes some_routes() {
  Routes routes;
  routes.add({.method = "GET",
              .path = "/v1/p",
              .access = Access::signature,
              .text = {.summary = "s", .has_event = true, .status = 204, .problems = {400}}});
  routes.add({.method = "GET", .path = "/livez", .text = {.gives = "text/plain"}});
  routes.add({.method = "POST",
              .path = "/v1/p",
              .access = Access::ingest,
              .text = {.takes = {"text/csv"}, .gives = "application/json", .schema = "Delivery"}});
  return routes;
}

TEST(OpenApi, EveryRouteIsDescribedOnce) {
  const JsonValue description = openapi_of(some_routes(), true);
  const JsonValue* paths = description.find("paths");
  EXPECT_THAT(names_of(paths), ElementsAre("/v1/p", "/livez"));
  const JsonValue* path = paths->find("/v1/p");
  EXPECT_THAT(names_of(path), ElementsAre("get", "post"));
  EXPECT_EQ(*path->find("get")->string_at("operationId"), "get_v1_p");
  EXPECT_THAT(names_of(path->find("get")->find("responses")), ElementsAre("204", "400", "403"));
  EXPECT_EQ(path->find("get")->find("parameters")->as_array()->size(), 1U);
  EXPECT_EQ(path->find("get")->find("requestBody"), nullptr);
  EXPECT_THAT(names_of(path->find("post")->find("responses")), ElementsAre("200", "401", "403"));
  EXPECT_THAT(names_of(path->find("post")->find("requestBody")->find("content")),
              ElementsAre("text/csv"));
}

TEST(OpenApi, WhoNeedsATokenIsTold) {
  for (const bool has_tokens : {true, false}) {
    const JsonValue description = openapi_of(some_routes(), has_tokens);
    const JsonValue* path = description.find("paths")->find("/v1/p");
    EXPECT_EQ(path->find("post")->find("security") != nullptr, has_tokens);
    EXPECT_EQ(path->find("get")->find("security"), nullptr);
    EXPECT_EQ(description.find("components")->find("securitySchemes") != nullptr, has_tokens);
  }
}

}  // namespace
}  // namespace adweave::serve
