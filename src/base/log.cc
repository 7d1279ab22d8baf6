// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/time.h"

namespace adweave {

namespace {

constexpr std::array<std::string_view, 3> kFormatNames = {"text", "json", "logfmt"};
constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warning", "error"};

// RFC 3339 with all six digits, so that lines sort as texts.
std::string time_text(int64_t micros) {
  const CivilTime time = civil_from_micros(micros);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", time.year, time.month, time.day,
                     time.hour, time.minute, time.second, time.microsecond);
}

bool is_control(char c) {
  constexpr char kDelete = 0x7F;
  return static_cast<unsigned char>(c) < ' ' || c == kDelete;
}

std::string in_quotes(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string without_controls(std::string_view text) {
  std::string out(text);
  std::replace_if(out.begin(), out.end(), is_control, ' ');
  return out;
}

std::string logfmt_value(const JsonValue& value) {
  const std::string* text = value.as_string();
  if (text == nullptr) return value.dump();
  const bool is_bare = !text->empty() && std::none_of(text->begin(), text->end(), [](char c) {
    return is_control(c) || c == ' ' || c == '"' || c == '=' || c == '\\' || (c & 0x80) != 0;
  });
  return is_bare ? *text : in_quotes(*text);
}

JsonValue::Object members_of(const LogEntry& entry) {
  JsonValue::Object members = {{"ts", time_text(entry.time_us)},
                               {"level", kLevelNames.at(static_cast<size_t>(entry.level))},
                               {"msg", entry.message},
                               {"component", entry.component}};
  members.insert(members.end(), entry.fields.begin(), entry.fields.end());
  return members;
}

std::string text_line(const LogEntry& entry) {
  std::string line = "adweave: " + without_controls(entry.message);
  std::string fix;
  for (const auto& [name, value] : entry.fields) {
    const std::string* text = value.as_string();
    const int64_t* number = value.as_int();
    if (name == "fix" && text != nullptr) fix = "  fix: " + without_controls(*text) + "\n";
    if (name == "repeated" && number != nullptr)
      line += fmt::format(" (and {} times before)", *number);
  }
  return line + "\n" + fix;
}

std::string logfmt_line(const LogEntry& entry) {
  std::string line;
  for (const auto& [name, value] : members_of(entry)) {
    line += (line.empty() ? "" : " ") + name + "=" + logfmt_value(value);
  }
  return line + "\n";
}

}  // namespace

std::optional<LogFormat> parse_log_format(std::string_view word) {
  const auto found = std::find(kFormatNames.begin(), kFormatNames.end(), word);
  if (found == kFormatNames.end()) return std::nullopt;
  return static_cast<LogFormat>(found - kFormatNames.begin());
}

std::string log_line(const LogEntry& entry, LogFormat format) {
  switch (format) {
    case LogFormat::text:
      return text_line(entry);
    case LogFormat::json:
      return JsonValue(members_of(entry)).dump() + "\n";
    case LogFormat::logfmt:
      return logfmt_line(entry);
  }
  return "";
}

Log::Log(LogFormat format, LogLevel level, std::function<int64_t()> now_us, Write write)
    : format_(format), level_(level), now_us_(std::move(now_us)), write_(std::move(write)) {}

void Log::say(LogLevel level, std::string_view component, std::string_view message,
              JsonValue::Object fields) {
  if (level < level_) return;
  const std::lock_guard guard(mutex_);
  const int64_t now = now_us_();
  const auto left_out = admit(std::string(component) + ' ' + std::string(message), now);
  if (!left_out) return;
  if (*left_out > 0) fields.emplace_back("repeated", *left_out);
  write_(log_line({now, level, component, message, std::move(fields)}, format_));
}

void Log::say(std::string_view component, const Error& error) {
  JsonValue::Object fields = {{"code", error_code_name(error.code)}};
  if (!error.fix.empty()) fields.emplace_back("fix", error.fix);
  const bool passes = error.recovery == Recovery::retry;
  say(passes ? LogLevel::warning : LogLevel::error, component, error.message, std::move(fields));
}

std::optional<int64_t> Log::admit(const std::string& key, int64_t time_us) {
  const auto known = said_.find(key);
  if (known == said_.end()) {
    if (said_.size() >= limits::kLogMessagesMax) forget_oldest();
    said_.emplace(key, Said{time_us, 0});
    return 0;
  }
  Said& said = known->second;
  // A clock that was set back holds nothing up.
  if (time_us >= said.time_us && time_us - said.time_us < limits::kLogRepeatUs) {
    ++said.left_out;
    return std::nullopt;
  }
  said.time_us = time_us;
  return std::exchange(said.left_out, 0);
}

void Log::forget_oldest() {
  said_.erase(std::min_element(said_.begin(), said_.end(), [](const auto& a, const auto& b) {
    return a.second.time_us < b.second.time_us;
  }));
}

void write_to_stderr(std::string_view line) {
  while (!line.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    if (written <= 0) return;  // nobody reads: there is nowhere to say so
    line.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace adweave
