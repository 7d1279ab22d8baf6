// SPDX-License-Identifier: Apache-2.0
#include "serve/access.h"

#include <algorithm>

#include "net/digest.h"
#include "serve/answers.h"

namespace adweave::serve {

namespace {

net::HttpResponse who_are_you(const std::string& detail, const std::string& fix,
                              const std::string& challenge) {
  net::HttpResponse response = problem(401, "who are you", detail, fix);
  response.headers.push_back({"WWW-Authenticate", challenge});
  return response;
}

// Without a token of this role.
std::optional<net::HttpResponse> refuse_without(Role needed, const net::HttpRequest& request,
                                                const std::vector<Token>& tokens) {
  if (tokens.empty()) return std::nullopt;
  constexpr std::string_view kBearer = "Bearer ";
  const std::string* given = request.header("Authorization");
  if (given == nullptr || !given->starts_with(kBearer)) {
    return who_are_you("the request has no bearer token",
                       "send Authorization: Bearer and a token of the configuration", "Bearer");
  }
  const std::string sum = net::sha256_hex(std::string_view(*given).substr(kBearer.size()));
  for (const Token& token : tokens) {
    if (!net::is_same_secret(token.sha256, sum)) continue;
    if (token.role == needed || token.role == Role::admin) return std::nullopt;
    return problem(403, "not allowed", "the token " + token.name + " has another role",
                   "ask for a token with the role that this needs");
  }
  return who_are_you("the token is not known", "ask for a token of this server",
                     "Bearer error=\"invalid_token\"");
}

net::HttpResponse not_signed(const std::string& detail) {
  return problem(403, "not signed", detail,
                 "end the request with &sig= and the HMAC-SHA256 of all before it, from the / of "
                 "the path on and as it is sent, in 64 lower-case hexadecimal digits");
}

// Without a signature under one of the keys. `may_go_on`: after it there may be more, unsigned.
std::optional<net::HttpResponse> refuse_unsigned(const net::HttpRequest& request, bool may_go_on,
                                                 const std::vector<SigningKey>& keys) {
  const std::string text =
      request.method == "POST" ? request.target + '?' + request.body : request.target;
  constexpr std::string_view kMark = "&sig=";
  const size_t end = text.find(kMark);
  if (end == std::string::npos) return not_signed("there is no parameter 'sig' after others");
  std::string_view given = std::string_view(text).substr(end + kMark.size());
  if (may_go_on) given = given.substr(0, given.find('&'));
  if (is_signed(std::string_view(text).substr(0, end), given, keys)) return std::nullopt;
  return not_signed("'sig' is not the signature of what is before it under any key");
}

}  // namespace

std::optional<net::HttpResponse> refuse(const net::HttpRequest& request, Access access,
                                        const Options& options) {
  switch (access) {
    case Access::anyone:
      return std::nullopt;
    case Access::ingest:
      return refuse_without(Role::ingest, request, options.tokens);
    case Access::read:
      return refuse_without(Role::read, request, options.tokens);
    case Access::signature:
      return refuse_unsigned(request, false, options.signing_keys);
    case Access::signed_head:
      return refuse_unsigned(request, true, options.signing_keys);
  }
  return std::nullopt;
}

bool is_signed(std::string_view text, std::string_view signature,
               const std::vector<SigningKey>& keys) {
  return std::any_of(keys.begin(), keys.end(), [&](const SigningKey& key) {
    return net::is_same_secret(net::hmac_sha256_hex(key.secret, text), signature);
  });
}

}  // namespace adweave::serve
