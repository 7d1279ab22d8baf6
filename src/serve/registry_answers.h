// SPDX-License-Identifier: Apache-2.0
// Answers as the clients of a schema registry read them.
#pragma once

#include "base/json.h"
#include "net/http_server.h"
#include "registry/registry.h"

namespace adweave::serve {

net::HttpResponse registry_answer(const JsonValue& value);
// The status is in the refusal's code: {"error_code": 40401, "message": "..."}.
net::HttpResponse registry_answer(const registry::Refusal& refusal);
// For what is refused before the registry is asked; the code is the status.
net::HttpResponse registry_problem(int status, const std::string& message);
// A problem (serve/answers.h) in this form, with the same status and headers.
net::HttpResponse registry_problem_of(net::HttpResponse problem);

}  // namespace adweave::serve
