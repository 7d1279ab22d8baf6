// SPDX-License-Identifier: Apache-2.0
#include "serve/access.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "net/digest.h"

namespace adweave::serve {
namespace {

constexpr const char* kKey = "0123456789abcdef0123456789abcdef";

Options options_with(std::vector<std::string> secrets) {
  Options options;
  for (std::string& secret : secrets) options.signing_keys.push_back({"", "", std::move(secret)});
  return options;
}

// The status of the refusal; 0: it may be answered.
int status_of(const net::HttpRequest& request, Access access, const Options& options) {
  const auto refusal = refuse(request, access, options);
  return refusal ? refusal->status : 0;
}

int status_of_get(const std::string& target, Access access, const Options& options) {
  net::HttpRequest request;
  request.method = "GET";
  request.target = target;
  return status_of(request, access, options);
}

TEST(Access, ASignatureHoldsForWhatIsBeforeIt) {
  const Options options = options_with({"another", kKey});
  const std::string head = "/v1/p?a=1&b=%20";
  const std::string good = head + "&sig=" + net::hmac_sha256_hex(kKey, head);
  for (const Access access : {Access::signature, Access::signed_head}) {
    EXPECT_EQ(status_of_get(good, access, options), 0);
    EXPECT_EQ(status_of_get(head, access, options), 403);
    EXPECT_EQ(status_of_get(head + "&sig=", access, options), 403);
    EXPECT_EQ(status_of_get("/v1/q" + good.substr(5), access, options), 403);
    EXPECT_EQ(status_of_get(good, access, options_with({"another"})), 403);
    EXPECT_EQ(status_of_get(good, access, Options()), 403);
    for (size_t i = 0; i < good.size(); ++i) {
      std::string other = good;
      other[i] = other[i] == 'x' ? 'y' : 'x';
      EXPECT_EQ(status_of_get(other, access, options), 403) << i;
    }
  }
  EXPECT_EQ(status_of_get(good + "&c=2", Access::signature, options), 403);
  EXPECT_EQ(status_of_get(good + "&c=2", Access::signed_head, options), 0);
}

TEST(Access, AFormIsSignedAsIfItWereTheQuery) {
  const Options options = options_with({kKey});
  net::HttpRequest request;
  request.method = "POST";
  request.target = "/v1/p";
  request.body = "a=1&sig=" + net::hmac_sha256_hex(kKey, "/v1/p?a=1");
  EXPECT_EQ(status_of(request, Access::signature, options), 0);
  request.body[2] = '2';
  EXPECT_EQ(status_of(request, Access::signature, options), 403);
}

TEST(Access, TokensHaveRoles) {
  Options options;
  net::HttpRequest request;
  EXPECT_EQ(status_of(request, Access::ingest, options), 0) << "without tokens all may do all";
  options.tokens = {{"sender", net::sha256_hex("s"), Role::ingest},
                    {"chief", net::sha256_hex("c"), Role::admin}};
  EXPECT_EQ(status_of(request, Access::anyone, options), 0);
  EXPECT_EQ(status_of(request, Access::ingest, options), 401);
  for (const auto& [token, ingest, read] :
       {std::tuple{"s", 0, 403}, {"c", 0, 0}, {"x", 401, 401}}) {
    request.headers = {{"Authorization", std::string("Bearer ") + token}};
    EXPECT_EQ(status_of(request, Access::ingest, options), ingest);
    EXPECT_EQ(status_of(request, Access::read, options), read);
  }
}

TEST(Access, TheRegistryTakesAPasswordToo) {
  Options options;
  options.tokens = {{"sender", net::sha256_hex("s"), Role::ingest},
                    {"reader", net::sha256_hex("r:1"), Role::read},
                    {"chief", net::sha256_hex("c"), Role::admin}};
  const auto status = [&](const std::string& header, Access access) {
    net::HttpRequest request;
    if (!header.empty()) request.headers = {{"Authorization", header}};
    return status_of(request, access, options);
  };
  const auto basic = [](const std::string& pair) { return "Basic " + encode_base64(pair); };
  for (const auto& [header, read, write, admin] : {std::tuple{std::string(), 401, 401, 401},
                                                   {"Bearer s", 0, 0, 403},
                                                   {basic("any:s"), 0, 0, 403},
                                                   {basic(":r:1"), 0, 403, 403},
                                                   {basic("u:c"), 0, 0, 0},
                                                   {basic("c"), 401, 401, 401},
                                                   {basic("u:x"), 401, 401, 401},
                                                   {"Basic ?", 401, 401, 401}}) {
    EXPECT_EQ(status(header, Access::registry_read), read) << header;
    EXPECT_EQ(status(header, Access::registry_write), write) << header;
    EXPECT_EQ(status(header, Access::registry_admin), admin) << header;
  }
  EXPECT_EQ(status(basic("u:c"), Access::read), 401) << "elsewhere a password is none";
}

}  // namespace
}  // namespace adweave::serve
