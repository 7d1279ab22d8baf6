// SPDX-License-Identifier: Apache-2.0
#include "serve/routes.h"

#include "serve/answers.h"

namespace adweave::serve {

std::variant<const Route*, net::HttpResponse> Routes::find(const net::HttpRequest& request) const {
  std::string allowed;
  std::string known;
  for (const Route& route : routes_) {
    known += (known.empty() ? "" : ", ") + route.method + " " + route.path;
    if (route.path != request.path) continue;
    if (route.method == request.method) return &route;
    if (route.only_tells && request.method == "HEAD") return &route;
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

}  // namespace adweave::serve
