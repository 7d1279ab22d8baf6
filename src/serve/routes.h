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

// What the description of the API (serve/openapi.h) says of an endpoint.
struct RouteText {
  struct Parameter {
    std::string name;
    std::string in = "query";  // or "header", "path"
    std::string meaning;
    std::vector<std::string> choices = {};  // empty: any text
    std::string pattern = {};               // of the text, a regular expression
    bool is_required = false;
  };
  std::string summary;
  std::vector<Parameter> parameters = {};
  bool has_event = false;               // parameters of any name are the event, but for those
  std::vector<std::string> taken = {};  // of these names
  std::vector<std::string> takes = {};  // content types of the body
  std::string body = {};                // its schema, by its name in the description
  int status = 200;                     // when all went well
  std::string gives = {};               // content type of that answer; empty: it has none
  std::string schema = {};              // of that answer, by its name in the description
  std::vector<int> problems = {};       // statuses of what may go wrong, but for who may not ask
  bool is_registry = false;             // problems have the form of a schema registry's
};

struct Route {
  std::string method;  // a route of GET takes HEAD too when it `only_tells`
  std::string path;    // "/subjects/{subject}": any text may stand for a part in braces
  Access access = Access::anyone;
  Handler handle;
  bool only_tells = false;  // changes nothing
  RouteText text = {};
};

class Routes {
 public:
  void add(Route route) { routes_.push_back(std::move(route)); }
  const std::vector<Route>& all() const { return routes_; }

  // Where a request goes, and what stands for the parts of its path in braces.
  struct Found {
    const Route* route = nullptr;
    std::vector<std::string> values;
  };
  // Or the problem that there is no such endpoint (404) or method (405).
  std::variant<Found, net::HttpResponse> find(const net::HttpRequest& request) const;

 private:
  std::vector<Route> routes_;
};

// The answer to a request that may not be made, in the form that its endpoint's clients read.
net::HttpResponse refusal_of(const Route& route, net::HttpResponse refusal);

}  // namespace adweave::serve
