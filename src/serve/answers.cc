// SPDX-License-Identifier: Apache-2.0
#include "serve/answers.h"

namespace adweave::serve {

net::HttpResponse json_answer(int status, const JsonValue& value) {
  net::HttpResponse response;
  response.status = status;
  response.headers.push_back({"Content-Type", "application/json"});
  response.body = value.dump() + '\n';  // for who reads it at a terminal
  return response;
}

net::HttpResponse problem(int status, const std::string& title, const std::string& detail,
                          const std::string& fix) {
  net::HttpResponse response = net::http_problem(status, detail, title, fix);
  response.body += '\n';
  return response;
}

net::HttpResponse busy(int status, const std::string& title, const std::string& detail,
                       int64_t retry_after_seconds) {
  net::HttpResponse response = problem(status, title, detail, "send it again after a while");
  response.headers.push_back({"Retry-After", std::to_string(retry_after_seconds)});
  return response;
}

void give(Metrics& metrics, net::HttpRespond& respond, net::HttpResponse response) {
  metrics.count_request(response.status);
  respond(std::move(response));
}

}  // namespace adweave::serve
