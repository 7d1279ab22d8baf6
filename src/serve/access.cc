// SPDX-License-Identifier: Apache-2.0
#include "serve/access.h"

#include <algorithm>
#include <initializer_list>

#include "base/base64.h"
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

constexpr std::string_view kBearer = "Bearer ";
constexpr std::string_view kBasic = "Basic ";

// The token in a header; nothing when it has none.
std::optional<std::string> token_in(const std::string* header) {
  if (header == nullptr || !header->starts_with(kBearer)) return std::nullopt;
  return header->substr(kBearer.size());
}

// The same, or with "Basic" (RFC 7617) the password, whoever the user is.
std::optional<std::string> token_or_password_in(const std::string* header) {
  if (header == nullptr || !header->starts_with(kBasic)) return token_in(header);
  const auto pair = decode_base64(std::string_view(*header).substr(kBasic.size()));
  const size_t colon = pair ? pair->find(':') : std::string::npos;
  if (colon == std::string::npos) return std::nullopt;
  return pair->substr(colon + 1);
}

// Without a token of one of these roles; `admin` may do all.
std::optional<net::HttpResponse> refuse_without(std::initializer_list<Role> needed,
                                                const std::optional<std::string>& given,
                                                const std::vector<Token>& tokens) {
  if (tokens.empty()) return std::nullopt;
  if (!given) {
    return who_are_you("the request has no bearer token",
                       "send Authorization: Bearer and a token of the configuration", "Bearer");
  }
  const std::string sum = net::sha256_hex(*given);
  for (const Token& token : tokens) {
    if (!net::is_same_secret(token.sha256, sum)) continue;
    const bool has_role = std::find(needed.begin(), needed.end(), token.role) != needed.end();
    if (has_role || token.role == Role::admin) return std::nullopt;
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
  const std::string* header = request.header("Authorization");
  const std::vector<Token>& tokens = options.tokens;
  switch (access) {
    case Access::anyone:
      return std::nullopt;
    case Access::ingest:
      return refuse_without({Role::ingest}, token_in(header), tokens);
    case Access::read:
      return refuse_without({Role::read}, token_in(header), tokens);
    case Access::registry_read:
      return refuse_without({Role::read, Role::ingest}, token_or_password_in(header), tokens);
    case Access::registry_write:
      return refuse_without({Role::ingest}, token_or_password_in(header), tokens);
    case Access::registry_admin:
      return refuse_without({}, token_or_password_in(header), tokens);
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
