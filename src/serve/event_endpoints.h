// SPDX-License-Identifier: Apache-2.0
// The endpoints whose parameters become events (serve/parameters.h): those that the configuration
// gives a source.
//
//   GET /v1/i.gif   the impression pixel: a transparent image
//   GET /v1/c       the click: on to the address in `to`, which `sig` signs
//   GET, POST /v1/p the postback: a conversion, from server to server
//   GET /v1/win     the notices of OpenRTB: an auction's outcome `win`,
//   GET /v1/loss    `loss`
//   GET /v1/bill    or `billed`
#pragma once

#include "serve/collector.h"
#include "serve/metrics.h"
#include "serve/options.h"
#include "serve/routes.h"

namespace adweave::serve {

// All of them must outlive the routes.
void add_event_endpoints(const Options& options, Collector& collector, Metrics& metrics,
                         Routes& routes);

}  // namespace adweave::serve
