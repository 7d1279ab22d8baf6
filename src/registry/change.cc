// SPDX-License-Identifier: Apache-2.0
#include "registry/change.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/crc32c.h"
#include "base/json.h"
#include "base/limits.h"

namespace adweave::registry {

namespace {

constexpr int64_t kFormat = 1;
constexpr size_t kChecksumDigits = 8;
constexpr size_t kJsonAt = kChecksumDigits + 1;

constexpr std::array<std::string_view, 5> kKindNames = {"add version", "delete version",
                                                        "delete subject", "set level", "set mode"};

Error damaged(const std::string& what) {
  return {ErrorCode::corrupt, what, "restore the file from a backup; nothing has been changed"};
}

std::optional<ChangeKind> kind_named(std::string_view name) {
  for (size_t i = 0; i < kKindNames.size(); ++i) {
    if (kKindNames[i] == name) return static_cast<ChangeKind>(i);
  }
  return std::nullopt;
}

std::optional<std::string> text_in(const JsonValue& json, std::string_view key) {
  const JsonValue* value = json.find(key);
  if (value == nullptr || value->as_string() == nullptr) return std::nullopt;
  return *value->as_string();
}

int64_t number_in(const JsonValue& json, std::string_view key) {
  const JsonValue* value = json.find(key);
  return value != nullptr && value->as_int() != nullptr ? *value->as_int() : 0;
}

bool is_number(int64_t value) {
  return value > 0 && value <= limits::kRegistryNumberMax;
}

// Whether it has what its kind needs.
bool is_whole(const Change& change) {
  switch (change.kind) {
    case ChangeKind::add_version:
      return change.subject && is_number(change.version) && is_number(change.id);
    case ChangeKind::delete_version:
      return change.subject && is_number(change.version);
    case ChangeKind::delete_subject:
      return change.subject.has_value();
    case ChangeKind::set_level:
    case ChangeKind::set_mode:
      return true;
  }
  return false;
}

}  // namespace

std::string to_line(const NumberedChange& change) {
  const Change& what = change.change;
  JsonValue json;
  json.set("format", kFormat);
  json.set("number", change.number);
  json.set("previous", static_cast<int64_t>(change.previous));
  json.set("change", kKindNames[static_cast<size_t>(what.kind)]);
  if (what.subject) json.set("subject", *what.subject);
  if (what.version != 0) json.set("version", what.version);
  if (what.id != 0) json.set("id", what.id);
  if (what.schema) json.set("schema", *what.schema);
  if (what.value) json.set("value", *what.value);
  if (what.is_permanent) json.set("permanent", true);
  const std::string text = json.dump();
  return fmt::format("{:08x} {}\n", crc32c(text), text);
}

uint32_t checksum_of(std::string_view line) {
  uint32_t checksum = 0;
  const char* end = line.data() + std::min(line.size(), kChecksumDigits);
  std::from_chars(line.data(), end, checksum, 16);
  return checksum;
}

Result<NumberedChange> parse_line(std::string_view line) {
  const bool is_line = line.size() > kJsonAt && line[kChecksumDigits] == ' ' && line.back() == '\n';
  if (!is_line) return damaged("it is no line of a checksum and JSON");
  const std::string_view text = line.substr(kJsonAt, line.size() - kJsonAt - 1);
  if (line.substr(0, kChecksumDigits) != fmt::format("{:08x}", crc32c(text)))
    return damaged("its checksum does not hold");
  ADWEAVE_ASSIGN(const JsonValue json, parse_json(text));
  ADWEAVE_ASSIGN(const int64_t format, json.int_at("format"));
  ADWEAVE_ASSIGN(const std::string name, json.string_at("change"));
  const std::optional<ChangeKind> kind = kind_named(name);
  if (format > kFormat || !kind) {
    return Error{ErrorCode::newer_format,
                 fmt::format("version {} of the registry's format, a change '{}'", format, name),
                 "use the program that wrote it, or a newer one"};
  }
  NumberedChange change;
  ADWEAVE_ASSIGN(change.number, json.int_at("number"));
  ADWEAVE_ASSIGN(const int64_t previous, json.int_at("previous"));
  change.previous = static_cast<uint32_t>(previous);
  Change& what = change.change;
  what.kind = *kind;
  what.subject = text_in(json, "subject");
  what.schema = text_in(json, "schema");
  what.value = text_in(json, "value");
  what.version = number_in(json, "version");
  what.id = number_in(json, "id");
  const JsonValue* permanent = json.find("permanent");
  what.is_permanent =
      permanent != nullptr && permanent->as_bool() != nullptr && *permanent->as_bool();
  if (!is_whole(what)) return damaged("the change '" + name + "' lacks what it needs");
  return change;
}

}  // namespace adweave::registry
