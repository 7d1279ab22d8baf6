// SPDX-License-Identifier: Apache-2.0
#include "serve/parameters.h"

#include <set>
#include <string_view>

#include "base/utf8.h"
#include "net/http_text.h"
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

std::variant<ParameterList, net::HttpResponse> parameters_of(const net::HttpRequest& request) {
  if (request.method != "POST") return request.query;
  const std::string* type = request.header("Content-Type");
  constexpr std::string_view kForm = "application/x-www-form-urlencoded";
  if (type == nullptr ||
      !net::same_name(std::string_view(*type).substr(0, type->find(';')), kForm)) {
    return problem(415, "unsupported media type", "the body is not sent as a form",
                   "send Content-Type: " + std::string(kForm) + ", or JSON to POST /v1/events");
  }
  if (static_cast<int64_t>(request.body.size()) > limits::kFormBytesMax) {
    return problem(413, "too large",
                   "the form has " + std::to_string(request.body.size()) + " bytes",
                   "send at most " + std::to_string(limits::kFormBytesMax));
  }
  if (!request.query.empty()) {
    return problem(400, "parameters in two places", "a form came with a query",
                   "send all parameters in the form, or all in the query of a GET");
  }
  ParameterList parameters;
  if (net::read_query(request.body, parameters)) return parameters;
  return problem(400, "malformed", "the form's percent-encoding is malformed",
                 "encode it as application/x-www-form-urlencoded");
}

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
