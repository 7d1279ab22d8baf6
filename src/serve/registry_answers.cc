// SPDX-License-Identifier: Apache-2.0
#include "serve/registry_answers.h"

#include "net/http_text.h"
#include "serve/registry_text.h"

namespace adweave::serve {

namespace {

net::HttpResponse answer(int status, const JsonValue& value) {
  return {status, {{"Content-Type", kRegistryJson}}, value.dump() + '\n'};
}

net::HttpResponse problem_answer(int status, int code, const std::string& message) {
  return answer(status, JsonValue::Object{{"error_code", code}, {"message", message}});
}

}  // namespace

net::HttpResponse registry_answer(const JsonValue& value) {
  return answer(200, value);
}

net::HttpResponse registry_answer(const registry::Refusal& refusal) {
  constexpr int kCodesPerStatus = 100;
  constexpr int kStatusMax = 599;
  const int code = refusal.code;
  return problem_answer(code > kStatusMax ? code / kCodesPerStatus : code, code, refusal.message);
}

net::HttpResponse registry_problem(int status, const std::string& message) {
  return problem_answer(status, status, message);
}

net::HttpResponse registry_problem_of(net::HttpResponse problem) {
  std::string message = "not done";
  if (const Result<JsonValue> json = parse_json(problem.body)) {
    const Result<std::string> detail = json->string_at("detail");
    const Result<std::string> fix = json->string_at("fix");
    if (detail) message = *detail + (fix ? "; " + *fix : "");
  }
  net::HttpResponse response = registry_problem(problem.status, message);
  for (net::HttpHeader& header : problem.headers) {
    if (!net::same_name(header.name, "Content-Type")) response.headers.push_back(std::move(header));
  }
  return response;
}

}  // namespace adweave::serve
