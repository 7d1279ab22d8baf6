// SPDX-License-Identifier: Apache-2.0
// The endpoints of a server, in one table.
#pragma once

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "net/http_server.h"
#include "serve/options.h"

namespace adweave::serve {

// Takes what came to an endpoint, and answers sooner or later.
using Handler = std::function<void(net::HttpRequest, net::HttpRespond)>;

struct Route {
  std::string method;  // a route of GET takes HEAD too when it `only_tells`
  std::string path;
  Access access = Access::anyone;
  Handler handle;
  bool only_tells = false;  // changes nothing
};

class Routes {
 public:
  void add(Route route) { routes_.push_back(std::move(route)); }
  const std::vector<Route>& all() const { return routes_; }

  // Where a request goes, or the problem that there is no such endpoint (404) or method (405).
  std::variant<const Route*, net::HttpResponse> find(const net::HttpRequest& request) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace adweave::serve
