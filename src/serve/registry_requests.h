// SPDX-License-Identifier: Apache-2.0
// What is asked of the schema registry, taken from requests.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "base/json.h"
#include "net/http_server.h"
#include "registry/registry.h"

namespace adweave::serve {

// "true" in any case; a parameter that is not there is not.
bool is_true(const net::HttpRequest& request, std::string_view parameter);

// deletedOnly=true goes before deleted=true.
registry::Deleted deleted_of(const net::HttpRequest& request);

// "latest", -1 or a number from 1 on.
registry::Answer<int64_t> version_of(const std::string& text);
// 0, which nobody has, for what is no id.
int64_t id_of(const std::string& text);

// The object that is the request's body; or the answer that it is none.
std::variant<JsonValue, net::HttpResponse> object_in(const net::HttpRequest& request);
// The schema in such an object.
registry::Answer<registry::Candidate> candidate_of(const JsonValue& body);

}  // namespace adweave::serve
