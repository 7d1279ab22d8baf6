// SPDX-License-Identifier: Apache-2.0
#include "app/control/control.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/control/upkeep.h"

namespace adweave::app {

namespace {

// Codes as they are told; those that no command waits for are io.
constexpr std::array<std::pair<ErrorCode, const char*>, 6> kCodes = {{
    {ErrorCode::io, "io"},
    {ErrorCode::usage, "usage"},
    {ErrorCode::corrupt, "corrupt"},
    {ErrorCode::not_found, "not_found"},
    {ErrorCode::locked, "locked"},
    {ErrorCode::fenced, "fenced"},
}};

std::string socket_path(const std::string& data) {
  return join_path(data, "adweave.sock");
}

std::string error_answer(const Error& error) {
  const char* code = kCodes[0].second;
  for (const auto& [each, name] : kCodes) {
    if (each == error.code) code = name;
  }
  return JsonValue(JsonValue::Object{{"error", JsonValue::Object{{"code", code},
                                                                 {"message", error.message},
                                                                 {"fix", error.fix}}}})
      .dump();
}

Error error_of(const JsonValue& json) {
  const auto text = [&](const char* name) {
    const Result<std::string> value = json.string_at(name);
    return value ? *value : std::string();
  };
  Error error{ErrorCode::io, text("message"), text("fix")};
  for (const auto& [code, name] : kCodes) {
    if (text("code") == name) error.code = code;
  }
  return error;
}

Result<std::string> upkeep_text(const Controlled& of, const JsonValue& json) {
  ADWEAVE_ASSIGN(const Upkeep asked, upkeep_from_json(json));
  return do_upkeep(of.fs, of.live, of.merge, asked);
}

Result<std::string> pause_text(const Controlled& of, const std::string& source, bool pause) {
  if (std::find(of.sources.begin(), of.sources.end(), source) == of.sources.end()) {
    return Error{ErrorCode::usage, "there is no source '" + source + "'",
                 fmt::format("give one of {}", fmt::join(of.sources, ", "))};
  }
  return set_paused(of.paused, source, pause);
}

// What was done.
Result<std::string> do_asked(const Controlled& of, const JsonValue& json) {
  if (const JsonValue* upkeep = json.find("upkeep")) return upkeep_text(of, *upkeep);
  for (const bool pause : {true, false}) {
    const Result<std::string> source = json.string_at(pause ? "pause" : "resume");
    if (source) return pause_text(of, *source, pause);
  }
  return Error{ErrorCode::usage, "the server does not know what is asked",
               "use a client of the server's version"};
}

std::string answer(const Controlled& of, const std::string& question) {
  const Result<JsonValue> json = parse_json(question);
  if (!json) return error_answer(json.error());
  if (json->find("status") != nullptr) return of.server.status().dump();
  const Result<std::string> text = do_asked(of, *json);
  if (!text) return error_answer(text.error());
  return JsonValue(JsonValue::Object{{"text", *text}}).dump();
}

}  // namespace

Result<std::string> set_paused(source::PausedSources& sources, const std::string& source,
                               bool pause) {
  ADWEAVE_ASSIGN(const bool is_new, pause ? sources.pause(source) : sources.resume(source));
  const char* state = pause ? "paused" : "not paused";
  return fmt::format("{} is {}{}\n", source, state, is_new ? "" : " already");
}

Result<std::unique_ptr<net::LocalServer>> start_control(const std::string& data,
                                                        Controlled controlled) {
  return net::LocalServer::start(
      socket_path(data),
      [of = std::move(controlled)](const std::string& question) { return answer(of, question); });
}

Result<JsonValue> ask(const std::string& data, JsonValue::Object question,
                      std::chrono::microseconds patience) {
  ADWEAVE_ASSIGN(
      const std::string text,
      net::ask_local(socket_path(data), JsonValue(std::move(question)).dump(), patience));
  ADWEAVE_ASSIGN(JsonValue json, parse_json(text));
  if (const JsonValue* error = json.find("error")) return error_of(*error);
  return json;
}

}  // namespace adweave::app
