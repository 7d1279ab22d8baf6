// SPDX-License-Identifier: Apache-2.0
// Answers as every endpoint gives them.
#pragma once

#include <string>

#include "base/json.h"
#include "net/http_server.h"
#include "serve/metrics.h"

namespace adweave::serve {

net::HttpResponse json_answer(int status, const JsonValue& value);

// A problem (net::http_problem()): what, and what to do about it.
net::HttpResponse problem(int status, const std::string& title, const std::string& detail,
                          const std::string& fix = "");

// The same for what may be sent again after a while.
net::HttpResponse busy(int status, const std::string& title, const std::string& detail,
                       int64_t retry_after_seconds = 1);

// Answers a request, and counts that.
void give(Metrics& metrics, net::HttpRespond& respond, net::HttpResponse response);

}  // namespace adweave::serve
