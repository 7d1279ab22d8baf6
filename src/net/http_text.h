// SPDX-License-Identifier: Apache-2.0
// The parts of HTTP that are text: targets taken apart, heads of answers put together.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http_server.h"

namespace adweave::net {

// ASCII only, as HTTP compares names.
bool same_name(std::string_view a, std::string_view b);

// Sets target, path and query from a request target: "/a%20b?c=d", or a whole URL, of which the
// authority is left out. False: it is malformed.
bool read_target(std::string_view target, HttpRequest& request);

// The parts of a target's path, between its slashes, each decoded: "/a%2Fb/c?d" has "a/b" and "c".
std::vector<std::string> path_parts(std::string_view target);

// Appends the parameters of a query, or of a form (application/x-www-form-urlencoded), decoded and
// in order. False: it is malformed.
bool read_query(std::string_view text, std::vector<std::pair<std::string, std::string>>& query);

struct ResponseForm {
  std::string_view date;  // "Sun, 06 Nov 1994 08:49:37 GMT"
  bool keep_alive = true;
  bool http_1_0 = false;
};

// Whether an answer of this status has a body.
bool has_body(int status);

// Appends status line and headers, up to and with the empty line. Line breaks in a header's value
// become spaces, so that it cannot end early what it stands in.
void append_head(std::string& out, const HttpResponse& response, const ResponseForm& form);

// Now, as the Date header tells it.
std::string http_date();

}  // namespace adweave::net
