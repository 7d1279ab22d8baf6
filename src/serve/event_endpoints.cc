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
constexpr const char* kSignaturePattern = "^[0-9a-f]{64}$";

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

// One endpoint, and what becomes of a request to it.
struct EventRoute {
  std::string method;
  std::string path;
  EventEndpoint endpoint;
  net::HttpResponse answer;  // once the event is durable
  ParameterList constants;   // more members of the event
  RouteText text;
  bool leads_on = false;  // to the destination that the request names, in place of `answer`
};

class EventHandler {
 public:
  EventHandler(EventRoute route, const Options& options, Collector& collector, Metrics& metrics)
      : route_(std::move(route)), options_(options), collector_(collector), metrics_(metrics) {}

  void operator()(const net::HttpRequest& request, net::HttpRespond respond) const {
    net::HttpResponse answer = route_.answer;
    if (route_.leads_on) {
      if (auto refusal = refuse_click(request, options_.signing_keys))
        return give(metrics_, respond, *std::move(refusal));
      answer = redirect_to(*request.parameter(kDestination));
    }
    auto parameters = parameters_of(request);
    if (auto* refusal = std::get_if<net::HttpResponse>(&parameters))
      return give(metrics_, respond, std::move(*refusal));
    auto& list = std::get<ParameterList>(parameters);
    if (is_signed_request()) list = without_signature(list);
    ParameterEvent event = event_of(list, route_.constants, request);
    if (event.refusal) return give(metrics_, respond, *std::move(event.refusal));
    collector_.take_event(route_.endpoint.source, std::move(event.object), std::move(answer),
                          std::move(respond));
  }

 private:
  bool is_signed_request() const {
    const Access access = route_.endpoint.access;
    return route_.leads_on || access == Access::signature || access == Access::signed_head;
  }

  EventRoute route_;
  const Options& options_;
  Collector& collector_;
  Metrics& metrics_;
};

RouteText click_text() {
  return {.summary = "Takes a click and leads to its destination",
          .parameters = {{.name = kDestination,
                          .meaning = "The destination, an http or https address",
                          .is_required = true},
                         {.name = kSignature,
                          .meaning = "HMAC-SHA256 of the destination",
                          .pattern = kSignaturePattern,
                          .is_required = true}},
          .status = 302,
          .problems = {403}};
}

// With what holds for all of them.
RouteText text_of(const EventRoute& route) {
  RouteText text = route.text;
  const Access access = route.endpoint.access;
  text.has_event = true;
  text.taken = {kRequestMember};
  for (const auto& [name, value] : route.constants) text.taken.push_back(name);
  text.problems.insert(text.problems.end(), {400, 429, 503});
  if (route.method == "GET" && (access == Access::signature || access == Access::signed_head)) {
    text.parameters.push_back({.name = kSignature,
                               .meaning = "HMAC-SHA256 of all that is in front of it",
                               .pattern = kSignaturePattern,
                               .is_required = true});
  }
  return text;
}

// An exchange fills in its macros after the signature.
EventEndpoint for_exchanges(EventEndpoint endpoint) {
  if (endpoint.access == Access::signature) endpoint.access = Access::signed_head;
  return endpoint;
}

}  // namespace

void add_event_endpoints(const Options& options, Collector& collector, Metrics& metrics,
                         Routes& routes) {
  const net::HttpResponse done{204, {{"Cache-Control", "no-store"}}, ""};
  const EventEndpoint notices = for_exchanges(options.notices);
  for (const EventRoute& route :
       {EventRoute{
            "GET",
            "/v1/i.gif",
            options.pixel,
            pixel_answer(),
            {},
            {.summary = "Takes an impression and gives a transparent image", .gives = "image/gif"}},
        EventRoute{"GET", "/v1/c", options.click, {}, {}, click_text(), true},
        EventRoute{"GET",
                   "/v1/p",
                   options.postback,
                   done,
                   {},
                   {.summary = "Takes a conversion", .status = 204}},
        EventRoute{"POST",
                   "/v1/p",
                   options.postback,
                   done,
                   {},
                   {.summary = "Takes a conversion, as a form",
                    .takes = {"application/x-www-form-urlencoded"},
                    .status = 204,
                    .problems = {413, 415}}},
        EventRoute{"GET",
                   "/v1/win",
                   notices,
                   done,
                   {{"outcome", "win"}},
                   {.summary = "Takes an OpenRTB win notice", .status = 204}},
        EventRoute{"GET",
                   "/v1/loss",
                   notices,
                   done,
                   {{"outcome", "loss"}},
                   {.summary = "Takes an OpenRTB loss notice", .status = 204}},
        EventRoute{"GET",
                   "/v1/bill",
                   notices,
                   done,
                   {{"outcome", "billed"}},
                   {.summary = "Takes an OpenRTB billing notice", .status = 204}}}) {
    if (route.endpoint.source.empty()) continue;
    routes.add({route.method, route.path, route.endpoint.access,
                EventHandler(route, options, collector, metrics), false, text_of(route)});
  }
}

}  // namespace adweave::serve
