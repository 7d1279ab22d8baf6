// SPDX-License-Identifier: Apache-2.0
#include "serve/event_endpoints.h"

#include "serve/answers.h"
#include "serve/parameters.h"

namespace adweave::serve {

namespace {

// One transparent pixel, GIF89a: head, screen of two colours, colour 0 is transparent, the picture.
constexpr std::string_view kPixel(
    "GIF89a\1\0\1\0\x80\0\0\0\0\0\xFF\xFF\xFF"
    "!\xF9\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
    43);

net::HttpResponse pixel_answer() {
  return {200, {{"Content-Type", "image/gif"}, {"Cache-Control", "no-store"}}, std::string(kPixel)};
}

}  // namespace

void add_event_endpoints(const Options& options, Collector& collector, Metrics& metrics,
                         Routes& routes) {
  const auto refuse_request = [&metrics](net::HttpRespond& respond, net::HttpResponse response) {
    metrics.count_request(response.status);
    respond(std::move(response));
  };
  if (!options.pixel.source.empty()) {
    routes.add({"GET", "/v1/i.gif", options.pixel.access,
                [&collector, refuse_request, source = options.pixel.source](
                    const net::HttpRequest& request, net::HttpRespond respond) {
                  ParameterEvent event = event_of(request.query, {}, request);
                  if (event.refusal) return refuse_request(respond, *std::move(event.refusal));
                  collector.take_event(source, std::move(event.object), pixel_answer(),
                                       std::move(respond));
                }});
  }
}

}  // namespace adweave::serve
