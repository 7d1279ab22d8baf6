// SPDX-License-Identifier: Apache-2.0
// What a program that runs for long says: a line for each thing that happened, for people or for
// other programs. docs/reference/logs.md shows the forms.
//
//   Log log({LogFormat::json, LogLevel::info}, now_us, write_to_stderr);
//   log.say(LogLevel::info, "serve", "ready");
//   log.say("source", error);
//
// What is said must hold no personal data: no record, no body of a request, no address of a user.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace adweave {

enum class LogFormat : uint8_t { text, json, logfmt };
enum class LogLevel : uint8_t { debug, info, warning, error };

// "text", "json", "logfmt"; none for another word.
std::optional<LogFormat> parse_log_format(std::string_view word);

struct LogOptions {
  std::optional<LogFormat> format;  // none: text on a terminal, else json
  LogLevel level = LogLevel::info;  // what is below it is not said
};

// One thing that happened.
struct LogEntry {
  int64_t time_us = 0;
  LogLevel level = LogLevel::info;
  std::string_view component;
  std::string_view message;
  JsonValue::Object fields{};  // scalars; names are of [a-z_]
};

// A line of it, with its end. Text shows of the fields only `fix` and `repeated`. No format lets a
// message begin a line of its own or reach a terminal's controls.
std::string log_line(const LogEntry& entry, LogFormat format);

// Any thread.
class Log {
 public:
  using Write = std::function<void(std::string_view line)>;

  Log(LogFormat format, LogLevel level, std::function<int64_t()> now_us, Write write);

  // The same message of a component is said once in limits::kLogRepeatUs; the next one after that
  // has the field `repeated`: how often it was left out.
  void say(LogLevel level, std::string_view component, std::string_view message,
           JsonValue::Object fields = {});

  // With its code and fix; a warning when it is worth a retry.
  void say(std::string_view component, const Error& error);

 private:
  struct Said {
    int64_t time_us = 0;
    int64_t left_out = 0;
  };

  // How often it was left out, or none when it is left out again.
  std::optional<int64_t> admit(const std::string& key, int64_t time_us);
  void forget_oldest();

  LogFormat format_;
  LogLevel level_;
  std::function<int64_t()> now_us_;
  Write write_;
  std::mutex mutex_;
  std::map<std::string, Said> said_;
};

// A line in one write(2), so that lines of several threads do not mix.
void write_to_stderr(std::string_view line);

}  // namespace adweave
