// SPDX-License-Identifier: Apache-2.0
#include "serve/standby.h"

#include <utility>

#include "serve/answers.h"

namespace adweave::serve {

Result<std::unique_ptr<net::HttpServer>> answer_on_standby(const Options& options) {
  net::HttpServerOptions listening;
  listening.address = options.metrics.host;
  listening.port = options.metrics.port;
  listening.certificate = options.certificate;
  listening.key = options.key;
  return net::HttpServer::start(
      std::move(listening), [](const net::HttpRequest& request, net::HttpRespond respond) {
        if (request.method == "GET" && request.path == "/livez") {
          respond({200, {{"Content-Type", "text/plain; charset=utf-8"}}, "alive\n"});
        } else {
          respond(busy(503, "standby", "another process serves the data folder"));
        }
      });
}

}  // namespace adweave::serve
