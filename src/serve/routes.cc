// SPDX-License-Identifier: Apache-2.0
#include "serve/routes.h"

#include <algorithm>

#include "net/http_text.h"
#include "serve/answers.h"
#include "serve/registry_answers.h"

namespace adweave::serve {

namespace {

bool has_braces(std::string_view path) {
  return path.find('{') != std::string_view::npos;
}

// What stands for the parts in braces; nothing when the path is another one.
std::optional<std::vector<std::string>> values_in(const std::vector<std::string>& parts,
                                                  const std::vector<std::string>& pattern) {
  if (parts.size() != pattern.size()) return std::nullopt;
  std::vector<std::string> values;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (has_braces(pattern[i])) {
      if (parts[i].empty()) return std::nullopt;
      values.push_back(parts[i]);
    } else if (parts[i] != pattern[i]) {
      return std::nullopt;
    }
  }
  return values;
}

}  // namespace

std::variant<Routes::Found, net::HttpResponse> Routes::find(const net::HttpRequest& request) const {
  std::string allowed;
  std::string known;
  std::vector<std::string> parts;
  for (const Route& route : routes_) {
    known += (known.empty() ? "" : ", ") + route.method + " " + route.path;
    Found found{&route, {}};
    if (has_braces(route.path)) {
      if (parts.empty()) parts = net::path_parts(request.target);
      auto values = values_in(parts, net::path_parts(route.path));
      if (!values) continue;
      found.values = *std::move(values);
    } else if (route.path != request.path) {
      continue;
    }
    if (route.method == request.method) return found;
    if (route.only_tells && request.method == "HEAD") return found;
    allowed += (allowed.empty() ? "" : ", ") + route.method + (route.only_tells ? ", HEAD" : "");
  }
  if (allowed.empty())
    return problem(404, "not found", "there is no " + request.path, "there are " + known);
  net::HttpResponse response =
      problem(405, "method not allowed", request.path + " does not take " + request.method,
              "use " + allowed);
  response.headers.push_back({"Allow", allowed});
  return response;
}

net::HttpResponse refusal_of(const Route& route, net::HttpResponse refusal) {
  return route.text.is_registry ? registry_problem_of(std::move(refusal)) : std::move(refusal);
}

}  // namespace adweave::serve
