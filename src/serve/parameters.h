// SPDX-License-Identifier: Apache-2.0
// Parameters of a request become an event: one JSON object with a member for each, their values
// texts, and a member `http` that says of the request what its sender need not say:
//
//   GET /v1/i.gif?id=7&page=a%20b  ->  {"id":"7","page":"a b","http":{"ip":"192.0.2.1",...}}
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "net/http_server.h"

namespace adweave::serve {

using ParameterList = std::vector<std::pair<std::string, std::string>>;

// The member that says where a request came from: ip, user_agent, referer.
constexpr const char* kRequestMember = "http";

// Those of the query, or of a POST's form (application/x-www-form-urlencoded). The problem: another
// content type, a form that is too large or malformed, or a query beside it.
std::variant<ParameterList, net::HttpResponse> parameters_of(const net::HttpRequest& request);

struct ParameterEvent {
  std::string object;  // one line of JSON
  std::optional<net::HttpResponse> refusal;
};

// `constants` are members too, and no parameter may have their names. Refused are: none, too many,
// one twice, one with a name that is too long or taken, and what is not UTF-8.
ParameterEvent event_of(const ParameterList& parameters, const ParameterList& constants,
                        const net::HttpRequest& request);

}  // namespace adweave::serve
