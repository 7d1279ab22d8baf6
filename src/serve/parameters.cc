// SPDX-License-Identifier: Apache-2.0
#include "serve/parameters.h"

#include <set>
#include <string_view>

#include "base/utf8.h"
#include "serve/answers.h"

namespace adweave::serve {

namespace {

net::HttpResponse bad_parameter(const std::string& what, const std::string& fix) {
  return problem(400, "bad parameter", what, fix);
}

// What is wrong with them, if anything is.
std::optional<net::HttpResponse> check(const ParameterList& parameters,
                                       const ParameterList& constants) {
  if (parameters.empty()) {
    return problem(400, "no parameters", "there is no event in the request",
                   "send what happened as parameters: ?id=...");
  }
  if (parameters.size() > limits::kParametersMax) {
    return bad_parameter("there are " + std::to_string(parameters.size()) + " parameters",
                         "send at most " + std::to_string(limits::kParametersMax));
  }
  std::set<std::string_view> taken = {kRequestMember};
  for (const auto& [name, value] : constants) taken.insert(name);
  std::set<std::string_view> seen;
  for (const auto& [name, value] : parameters) {
    if (name.empty() || name.size() > limits::kParameterNameBytesMax) {
      return bad_parameter("a name has " + std::to_string(name.size()) + " bytes",
                           "give each parameter a name of at most " +
                               std::to_string(limits::kParameterNameBytesMax) + " bytes");
    }
    if (!is_utf8(name)) return bad_parameter("a name is not UTF-8", "encode it as UTF-8");
    if (!is_utf8(value)) {
      return bad_parameter("the value of '" + name + "' is not UTF-8",
                           "encode it as UTF-8 before its bytes are percent-encoded");
    }
    if (taken.contains(name)) {
      return bad_parameter("'" + name + "' is what the server says of the request",
                           "give the parameter another name");
    }
    if (!seen.insert(name).second)
      return bad_parameter("'" + name + "' is there twice", "send it once");
  }
  return std::nullopt;
}

}  // namespace

ParameterEvent event_of(const ParameterList& parameters, const ParameterList& constants,
                        const net::HttpRequest& request) {
  if (auto refusal = check(parameters, constants)) return {{}, std::move(refusal)};
  JsonValue object;
  for (const auto& [name, value] : parameters) object.set(name, value);
  for (const auto& [name, value] : constants) object.set(name, value);
  JsonValue origin;
  origin.set("ip", request.peer);
  if (const std::string* agent = request.header("User-Agent")) origin.set("user_agent", *agent);
  if (const std::string* referer = request.header("Referer")) origin.set("referer", *referer);
  object.set(kRequestMember, std::move(origin));
  return {object.dump() + '\n', std::nullopt};
}

}  // namespace adweave::serve
