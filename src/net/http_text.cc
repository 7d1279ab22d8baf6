// SPDX-License-Identifier: Apache-2.0
#include "net/http_text.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "base/json.h"

namespace adweave::net {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char letter = lower(c);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

// Nothing when an escape is malformed or hides a zero byte, which ends names elsewhere.
std::optional<std::string> decode_percent(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += plus_is_space && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0 || high + low == 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

// "http://host:1/path" -> "/path"; RFC 9112 asks servers to take it.
std::string_view without_authority(std::string_view target) {
  const size_t scheme_end = target.find("://");
  if (target.starts_with('/') || scheme_end == std::string_view::npos) return target;
  const size_t path = target.find_first_of("/?", scheme_end + 3);
  return path == std::string_view::npos ? "/" : target.substr(path);
}

struct Reason {
  int status;
  std::string_view phrase;
};

constexpr std::array kReasons = {
    Reason{200, "OK"},
    Reason{201, "Created"},
    Reason{202, "Accepted"},
    Reason{204, "No Content"},
    Reason{301, "Moved Permanently"},
    Reason{302, "Found"},
    Reason{303, "See Other"},
    Reason{304, "Not Modified"},
    Reason{307, "Temporary Redirect"},
    Reason{308, "Permanent Redirect"},
    Reason{400, "Bad Request"},
    Reason{401, "Unauthorized"},
    Reason{403, "Forbidden"},
    Reason{404, "Not Found"},
    Reason{405, "Method Not Allowed"},
    Reason{406, "Not Acceptable"},
    Reason{408, "Request Timeout"},
    Reason{409, "Conflict"},
    Reason{411, "Length Required"},
    Reason{413, "Content Too Large"},
    Reason{415, "Unsupported Media Type"},
    Reason{417, "Expectation Failed"},
    Reason{422, "Unprocessable Content"},
    Reason{429, "Too Many Requests"},
    Reason{431, "Request Header Fields Too Large"},
    Reason{500, "Internal Server Error"},
    Reason{501, "Not Implemented"},
    Reason{503, "Service Unavailable"},
    Reason{504, "Gateway Timeout"},
    Reason{505, "HTTP Version Not Supported"},
    Reason{507, "Insufficient Storage"},
};

std::string_view reason_of(int status) {
  for (const Reason& reason : kReasons) {
    if (reason.status == status) return reason.phrase;
  }
  return "Unknown";
}

bool is_the_servers(std::string_view name) {
  constexpr std::array<std::string_view, 4> kNames = {"date", "connection", "content-length",
                                                      "transfer-encoding"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view owned) { return same_name(owned, name); });
}

void append_line_text(std::string& out, std::string_view text) {
  for (const char c : text) out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

const std::string* HttpRequest::header(std::string_view name) const {
  for (const HttpHeader& header : headers) {
    if (same_name(header.name, name)) return &header.value;
  }
  return nullptr;
}

const std::string* HttpRequest::parameter(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return &value;
  }
  return nullptr;
}

HttpResponse http_problem(int status, std::string_view detail, std::string_view title,
                          std::string_view fix) {
  JsonValue problem;
  problem.set("type", "about:blank");
  problem.set("title", title.empty() ? reason_of(status) : title);
  problem.set("status", status);
  problem.set("detail", detail);
  if (!fix.empty()) problem.set("fix", fix);
  return {status, {{"Content-Type", "application/problem+json"}}, problem.dump()};
}

bool read_query(std::string_view text, std::vector<std::pair<std::string, std::string>>& query) {
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    if (part.empty()) continue;
    const size_t equals = std::min(part.find('='), part.size());
    std::optional<std::string> name = decode_percent(part.substr(0, equals), true);
    std::optional<std::string> value =
        decode_percent(part.substr(std::min(equals + 1, part.size())), true);
    if (!name || !value) return false;
    query.emplace_back(std::move(*name), std::move(*value));
  }
  return true;
}

bool read_target(std::string_view target, HttpRequest& request) {
  if (target == "*") {  // OPTIONS asks of the server as a whole
    request.target = request.path = target;
    return true;
  }
  target = without_authority(target);
  const size_t question = std::min(target.find('?'), target.size());
  std::optional<std::string> path = decode_percent(target.substr(0, question), false);
  if (!path) return false;
  if (path->empty() && question < target.size()) path = "/";
  if (!path->starts_with('/')) return false;
  request.target = target;
  request.path = std::move(*path);
  return read_query(target.substr(std::min(question + 1, target.size())), request.query);
}

std::vector<std::string> path_parts(std::string_view target) {
  std::string_view path = target.substr(0, target.find('?'));
  std::vector<std::string> parts;
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const size_t end = std::min(path.find('/'), path.size());
    parts.push_back(decode_percent(path.substr(0, end), false).value_or(""));
    path.remove_prefix(end);
  }
  return parts;
}

bool has_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

void append_head(std::string& out, const HttpResponse& response, const ResponseForm& form) {
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status,
                 reason_of(response.status), form.date);
  if (!form.keep_alive) {
    out += "Connection: close\r\n";
  } else if (form.http_1_0) {
    out += "Connection: keep-alive\r\n";
  }
  if (has_body(response.status)) {
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", response.body.size());
  }
  for (const HttpHeader& header : response.headers) {
    if (is_the_servers(header.name)) continue;
    append_line_text(out, header.name);
    out += ": ";
    append_line_text(out, header.value);
    out += "\r\n";
  }
  out += "\r\n";
}

std::string http_date() {
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT",
                     kDays[static_cast<size_t>(utc.tm_wday)], utc.tm_mday,
                     kMonths[static_cast<size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour,
                     utc.tm_min, utc.tm_sec);
}

}  // namespace adweave::net
