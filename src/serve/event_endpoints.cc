// SPDX-License-Identifier: Apache-2.0
#include "serve/event_endpoints.h"

#include <algorithm>
#include <iterator>

#include "net/http_text.h"
#include "serve/access.h"
#include "serve/answers.h"
#include "serve/parameters.h"

namespace adweave::serve {

namespace {

// One transparent pixel, GIF89a: head, screen of two colours, colour 0 is transparent, the picture.
constexpr std::string_view kPixel(
    "GIF89a\1\0\1\0\x80\0\0\0\0\0\xFF\xFF\xFF"
    "!\xF9\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
    43);

constexpr const char* kDestination = "to";
constexpr const char* kSignature = "sig";

net::HttpResponse pixel_answer() {
  return {200, {{"Content-Type", "image/gif"}, {"Cache-Control", "no-store"}}, std::string(kPixel)};
}

net::HttpResponse redirect_to(const std::string& destination) {
  return {302, {{"Location", destination}, {"Cache-Control", "no-store"}}, ""};
}

// http or https with a host, all in characters that a Location may have (RFC 3986).
bool is_web_address(std::string_view text) {
  const size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return false;
  const std::string_view scheme = text.substr(0, scheme_end);
  if (!net::same_name(scheme, "http") && !net::same_name(scheme, "https")) return false;
  const std::string_view rest = text.substr(scheme_end + 3);
  return !rest.empty() && std::string_view("/?#").find(rest[0]) == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return c > ' ' && c <= '~' &&
                  std::string_view("\"<>\\^`{|}").find(c) == std::string::npos;
         });
}

// Why a click does not lead on; nothing when it does.
std::optional<net::HttpResponse> refuse_click(const net::HttpRequest& request,
                                              const std::vector<SigningKey>& keys) {
  const std::string* destination = request.parameter(kDestination);
  if (destination == nullptr) {
    return problem(400, "no destination", "there is no parameter 'to'",
                   "send to= and the address to lead to, percent-encoded");
  }
  const std::string* signature = request.parameter(kSignature);
  if (signature == nullptr || !is_signed(*destination, *signature, keys)) {
    return problem(403, "not signed",
                   signature == nullptr ? "there is no parameter 'sig'"
                                        : "'sig' is not the signature of 'to' under any key",
                   "send sig= and the HMAC-SHA256 of the decoded destination in 64 lower-case "
                   "hexadecimal digits");
  }
  if (is_web_address(*destination)) return std::nullopt;
  return problem(400, "no web address", "'to' is no address that a browser can be led to",
                 "begin it with https:// or http:// and a host; percent-encode what is no "
                 "character of an address");
}

ParameterList without_signature(const ParameterList& parameters) {
  ParameterList rest;
  std::copy_if(parameters.begin(), parameters.end(), std::back_inserter(rest),
               [](const auto& parameter) { return parameter.first != kSignature; });
  return rest;
}

// What all of these endpoints share.
struct Endpoints {
  const Options& options;
  Collector& collector;
  Metrics& metrics;

  void refuse_request(net::HttpRespond& respond, net::HttpResponse response) const {
    metrics.count_request(response.status);
    respond(std::move(response));
  }

  // Keeps the event; once it is durable, `answer` goes out.
  void keep(const EventEndpoint& endpoint, const ParameterList& parameters,
            const net::HttpRequest& request, net::HttpResponse answer,
            net::HttpRespond respond) const {
    ParameterEvent event = event_of(parameters, {}, request);
    if (event.refusal) return refuse_request(respond, *std::move(event.refusal));
    collector.take_event(endpoint.source, std::move(event.object), std::move(answer),
                         std::move(respond));
  }

  void pixel(const net::HttpRequest& request, net::HttpRespond respond) const {
    keep(options.pixel, request.query, request, pixel_answer(), std::move(respond));
  }

  void click(const net::HttpRequest& request, net::HttpRespond respond) const {
    if (auto refusal = refuse_click(request, options.signing_keys))
      return refuse_request(respond, *std::move(refusal));
    keep(options.click, without_signature(request.query), request,
         redirect_to(*request.parameter(kDestination)), std::move(respond));
  }
};

}  // namespace

void add_event_endpoints(const Options& options, Collector& collector, Metrics& metrics,
                         Routes& routes) {
  const Endpoints endpoints{options, collector, metrics};
  const auto add = [&](const char* path, const EventEndpoint& endpoint, auto handle) {
    if (endpoint.source.empty()) return;
    routes.add({"GET", path, endpoint.access,
                [endpoints, handle](const net::HttpRequest& request, net::HttpRespond respond) {
                  (endpoints.*handle)(request, std::move(respond));
                }});
  };
  add("/v1/i.gif", options.pixel, &Endpoints::pixel);
  add("/v1/c", options.click, &Endpoints::click);
}

}  // namespace adweave::serve
