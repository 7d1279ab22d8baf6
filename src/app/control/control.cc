// SPDX-License-Identifier: Apache-2.0
#include "app/control/control.h"

#include <array>
#include <utility>

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

std::string answer(FileSystem& fs, engine::Live& live, engine::BackgroundMerge& merge,
                   const serve::Server& server, const std::string& question) {
  const Result<JsonValue> json = parse_json(question);
  if (!json) return error_answer(json.error());
  if (json->find("status") != nullptr) return server.status().dump();
  const JsonValue* upkeep = json->find("upkeep");
  if (upkeep == nullptr) {
    return error_answer({ErrorCode::usage, "the server does not know what is asked",
                         "use a client of the server's version"});
  }
  const Result<Upkeep> asked = upkeep_from_json(*upkeep);
  if (!asked) return error_answer(asked.error());
  const Result<std::string> text = do_upkeep(fs, live, merge, *asked);
  if (!text) return error_answer(text.error());
  return JsonValue(JsonValue::Object{{"text", *text}}).dump();
}

}  // namespace

Result<std::unique_ptr<net::LocalServer>> start_control(FileSystem& fs, const std::string& data,
                                                        engine::Live& live,
                                                        engine::BackgroundMerge& merge,
                                                        const serve::Server& server) {
  return net::LocalServer::start(socket_path(data), [&](const std::string& question) {
    return answer(fs, live, merge, server, question);
  });
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
