// SPDX-License-Identifier: Apache-2.0
// What is answered to probes while another process serves the data folder: GET /livez says that
// this one is there (200), GET /readyz that it is not ready (503), and so does all else.
#pragma once

#include <memory>

#include "net/http_server.h"
#include "serve/options.h"

namespace adweave::serve {

// Listens where metrics are asked for. Fails with io when the address is taken.
Result<std::unique_ptr<net::HttpServer>> answer_on_standby(const Options& options);

}  // namespace adweave::serve
