// SPDX-License-Identifier: Apache-2.0
#include "app/config/serve_config.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "app/config/config.h"
#include "app/config/secret.h"
#include "app/config/source_text.h"
#include "base/whole_number.h"
#include "engine/job.h"

namespace adweave::app {

namespace {

constexpr const char* kMakeKey =
    "write signing_keys: [{file: signing.key}]; openssl rand -hex 32 makes one";

void read_address(MapReader& map, const std::string& key, serve::Address& address) {
  const auto text = map.text(key);
  if (!text) return;
  if (const auto parsed = parse_address(*text)) {
    address = *parsed;
  } else {
    map.problems().add(map.node(), key + " is no address: " + *text,
                       "write it like 127.0.0.1:8080");
  }
}

serve::Token read_token(const YAML::Node& item, Problems& problems) {
  serve::Token token;
  MapReader map(item, "token", problems);
  if (!map.valid()) return token;
  constexpr size_t kDigits = 64;
  token.name = map.required_text("name", "web-servers");
  token.sha256 = map.required_text("sha256", "the output of: printf %s TOKEN | sha256sum");
  std::transform(token.sha256.begin(), token.sha256.end(), token.sha256.begin(), [](char c) {
    return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const bool is_sum = token.sha256.size() == kDigits &&
                      token.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!is_sum && !token.sha256.empty()) {
    problems.add(item, "sha256 is no SHA-256",
                 "write the 64 digits of: printf %s TOKEN | sha256sum");
  }
  token.role = map.choice<serve::Role>("role", {{"ingest", serve::Role::ingest},
                                                {"read", serve::Role::read},
                                                {"admin", serve::Role::admin}})
                   .value_or(serve::Role::ingest);
  map.finish();
  return token;
}

void read_tokens(MapReader& map, serve::Options& options) {
  const auto node = map.take("tokens");
  if (!node) return;
  if (!node->IsSequence()) return map.problems().add(*node, "tokens must be a list of tokens");
  for (const YAML::Node& item : *node) options.tokens.push_back(read_token(item, map.problems()));
}

void read_keys(MapReader& map, serve::Options& options) {
  const auto node = map.take("signing_keys");
  if (!node) return;
  if (!node->IsSequence())
    return map.problems().add(*node, "signing_keys must be a list of keys",
                              "write signing_keys: [{file: signing.key}]");
  for (const YAML::Node& item : *node) {
    MapReader reader(item, "signing key", map.problems());
    serve::SigningKey key;
    read_secret_place(reader, "a signing key",
                      "write {file: signing.key} or {variable: ADWEAVE_SIGNING_KEY}", key.file,
                      key.variable);
    options.signing_keys.push_back(std::move(key));
  }
}

// Whether streams of it can be cut at line ends.
bool is_of_lines(const decode::DecoderSpec& spec) {
  switch (spec.format) {
    case decode::Format::json:
      return spec.framing == decode::JsonFraming::lines;
    case decode::Format::csv:
      return !spec.csv.header;
    case decode::Format::lines:
      return true;
    case decode::Format::avro:
      return false;
  }
  return false;
}

// The source of an endpoint whose parameters become events: it must take JSON.
void read_event_source(MapReader& map, const engine::Job& job, serve::EventEndpoint& endpoint) {
  endpoint.source = map.required_text("source", "impressions");
  if (!map.valid() || endpoint.source.empty()) return;
  const auto source = std::find_if(
      job.sources.begin(), job.sources.end(),
      [&](const engine::SourceJob& other) { return other.decoder.source == endpoint.source; });
  if (source == job.sources.end()) {
    map.problems().add(map.node(), "there is no source '" + endpoint.source + "'",
                       "write the name of one in sources");
  } else if (!source->http || source->decoder.format != decode::Format::json) {
    map.problems().add(map.node(), "the source " + endpoint.source + " takes no JSON over HTTP",
                       "write http: true and format: json in it");
  }
}

// The click's destinations are signed, whoever comes.
void read_click(MapReader& serve, const engine::Job& job, serve::Options& options) {
  const auto node = serve.take("click");
  if (!node) return;
  MapReader map(*node, "click", serve.problems());
  options.click.access = serve::Access::anyone;
  read_event_source(map, job, options.click);
  map.finish();
  if (map.valid() && options.signing_keys.empty()) {
    map.problems().add(*node, "a click needs a key that signs its destination", kMakeKey);
  }
}

// An endpoint that is for whom `access` says when it does not say so itself.
void read_endpoint(MapReader& serve, const std::string& key, const engine::Job& job,
                   serve::Access access, bool has_keys, serve::EventEndpoint& endpoint) {
  const auto node = serve.take(key);
  if (!node) return;
  MapReader map(*node, key, serve.problems());
  endpoint.access = map.choice<serve::Access>("access", {{"anyone", serve::Access::anyone},
                                                         {"token", serve::Access::ingest},
                                                         {"signature", serve::Access::signature}})
                        .value_or(access);
  read_event_source(map, job, endpoint);
  if (endpoint.access == serve::Access::signature && !has_keys) {
    map.problems().add(*node, "access: signature needs a key", kMakeKey);
  }
  map.finish();
}

// A length of time, or `off`.
void read_period(MapReader& map, const std::string& key, std::optional<int64_t>& period) {
  const YAML::Node node = map.node()[key];
  if (node && node.IsScalar() && node.Scalar() == "off") {
    static_cast<void>(map.take(key));
    period.reset();
  } else if (const auto given = map.number(key, duration_units())) {
    period = given;
  }
}

void read_log(MapReader& serve, LogOptions& log) {
  const auto node = serve.take("log");
  if (!node) return;
  MapReader map(*node, "log", serve.problems());
  log.format = map.choice<LogFormat>(
      "format",
      {{"text", LogFormat::text}, {"json", LogFormat::json}, {"logfmt", LogFormat::logfmt}});
  log.level = map.choice<LogLevel>("level", {{"debug", LogLevel::debug},
                                             {"info", LogLevel::info},
                                             {"warning", LogLevel::warning},
                                             {"error", LogLevel::error}})
                  .value_or(log.level);
  map.finish();
}

// Days of events that look-ups answer from; none without `lookups`.
int64_t read_lookups(MapReader& serve) {
  const auto node = serve.take("lookups");
  if (!node) return 0;
  MapReader map(*node, "lookups", serve.problems());
  const int64_t days = map.number("days", {}).value_or(limits::kLookupDaysDefault);
  if (map.valid() && (days < 1 || days > limits::kLookupDaysMax)) {
    map.problems().add(*node, "lookups: days is no number from 1 to 3660", "write days: 30");
  }
  map.finish();
  return days;
}

// How long what is committed stays in the journal.
void read_raw_days(MapReader& serve, int64_t& kept_us) {
  const auto text = serve.text("raw_days");
  if (!text) return;
  int64_t days = 0;
  if (!parse_whole(*text, days) || days < 0 || days > limits::kRawDaysMax) {
    serve.problems().add(serve.node(), "raw_days is no number from 0 to 3660", "write raw_days: 7");
  }
  kept_us = days * limits::kDayUs;
}

}  // namespace

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

std::optional<serve::Address> parse_address(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  serve::Address address;
  address.host = text.substr(0, colon);
  if (address.host.starts_with('[') && address.host.ends_with(']'))
    address.host = address.host.substr(1, address.host.size() - 2);
  const char* end = text.data() + text.size();
  const auto port = std::from_chars(text.data() + colon + 1, end, address.port);
  constexpr int kPortMax = 65'535;
  const bool is_port =
      port.ec == std::errc() && port.ptr == end && address.port >= 0 && address.port <= kPortMax;
  if (!is_port || address.host.empty()) return std::nullopt;
  return address;
}

// Sources whose lines come over a port or by standard input.
void read_lines(MapReader& root, const engine::Job& job, serve::Options& options) {
  bool has_input = false;
  for (const engine::SourceJob& source : job.sources) {
    const std::string& name = source.decoder.source;
    if (source.tcp.empty() && !source.standard_input) continue;
    if (!is_of_lines(source.decoder)) {
      root.problems().add(root.node(), "the source " + name + " is not of lines",
                          "over tcp and stdin come JSON lines, a line pattern, or CSV with header: "
                          "false");
    }
    if (!source.tcp.empty()) {
      const auto address = parse_address(source.tcp);
      if (!address) {
        root.problems().add(root.node(), "tcp of " + name + " is no address: " + source.tcp,
                            "write it like 127.0.0.1:5170");
      } else {
        options.lines.push_back({name, address});
      }
    }
    if (source.standard_input && std::exchange(has_input, true)) {
      root.problems().add(root.node(), "two sources read standard input",
                          "write stdin: true in one of them");
    } else if (source.standard_input) {
      options.lines.push_back({name, std::nullopt});
    }
  }
}

// Sources that follow files: those must be text, whose records are found without what is before
// them.
void check_tails(MapReader& root, const engine::Job& job) {
  for (const engine::SourceJob& source : job.sources) {
    if (source.tail.empty()) continue;
    decode::DecoderSpec spec = source.decoder;
    spec.csv.header = false;  // it is in the file
    const bool is_plain = spec.compression == decode::Compression::detect ||
                          spec.compression == decode::Compression::none;
    const bool is_wide =
        spec.encoding == decode::Encoding::utf16le || spec.encoding == decode::Encoding::utf16be;
    if (is_of_lines(spec) && is_plain && !is_wide) continue;
    root.problems().add(root.node(), "files of " + spec.source + " cannot be followed",
                        "tail takes JSON lines, a line pattern, or CSV, neither compressed nor "
                        "UTF-16");
  }
}

// Lines carry no token.
void check_lines(MapReader& root, const serve::Options& options, bool anyone) {
  for (const serve::LineSource& source : options.lines) {
    if (anyone || !source.address || is_loopback(source.address->host)) continue;
    root.problems().add(
        root.node(), "others can reach the lines of " + source.name + ", and lines carry no token",
        "write serve: {lines: anyone}, or listen on 127.0.0.1");
  }
}

serve::Options read_serve(MapReader& root, const engine::Job& job) {
  serve::Options options;
  read_lines(root, job, options);
  check_tails(root, job);
  for (const engine::SourceJob& source : job.sources) {
    if (!source.http) continue;
    options.sources.push_back({source.decoder.source,
                               std::string(format_word(source.decoder.format)),
                               source.decoder.compression != decode::Compression::none});
  }
  const auto node = root.take("serve");
  if (!node) check_lines(root, options, false);
  if (!node) return options;
  MapReader map(*node, "serve", root.problems());
  if (!map.valid()) return options;
  check_lines(root, options,
              map.choice<bool>("lines", {{"loopback", false}, {"anyone", true}}).value_or(false));
  read_address(map, "listen", options.address);
  read_address(map, "metrics", options.metrics);
  read_tokens(map, options);
  read_keys(map, options);
  const bool has_keys = !options.signing_keys.empty();
  // A browser has no token.
  read_endpoint(map, "pixel", job, serve::Access::anyone, has_keys, options.pixel);
  read_endpoint(map, "postback", job, serve::Access::ingest, has_keys, options.postback);
  read_endpoint(map, "notices", job, serve::Access::ingest, has_keys, options.notices);
  read_click(map, job, options);
  read_log(map, options.log);
  read_period(map, "seal", options.seal_after_us);
  read_period(map, "reconcile", options.reconcile_every_us);
  read_raw_days(map, options.raw_kept_us);
  options.lookup_days = read_lookups(map);
  options.certificate = map.text("certificate").value_or("");
  options.key = map.text("key").value_or("");
  if (options.certificate.empty() != options.key.empty())
    root.problems().add(*node, "certificate and key go together", "name both PEM files");
  const bool is_open = !is_loopback(options.address.host) || !is_loopback(options.metrics.host);
  if (is_open && options.tokens.empty()) {
    root.problems().add(*node, "others can reach the server, and it has no tokens",
                        "write tokens, or listen on 127.0.0.1");
  }
  map.finish();
  return options;
}

Status read_signing_keys(const FileSystem& fs, std::vector<serve::SigningKey>& keys) {
  for (serve::SigningKey& key : keys) {
    ADWEAVE_ASSIGN(key.secret,
                   read_secret(fs, key.file, key.variable, limits::kSigningKeyBytesMax));
    if (static_cast<int64_t>(key.secret.size()) < limits::kSigningKeyBytesMin) {
      return Error{ErrorCode::config,
                   "the signing key in " + (key.file.empty() ? key.variable : key.file) + " has " +
                       std::to_string(key.secret.size()) + " bytes, which is too few",
                   "make one with: openssl rand -hex 32"};
    }
  }
  return {};
}

}  // namespace adweave::app
