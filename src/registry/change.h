// SPDX-License-Identifier: Apache-2.0
// One change of a registry, as it is kept on disk: docs/reference/registry-format.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace adweave::registry {

enum class ChangeKind {
  add_version,     // subject, version, id and, when the id is new, schema
  delete_version,  // subject, version, is_permanent
  delete_subject,  // subject, is_permanent
  set_level,       // value; of a subject, or without one of all
  set_mode,        // the same
};

struct Change {
  ChangeKind kind = ChangeKind::add_version;
  std::optional<std::string> subject = std::nullopt;
  int64_t version = 0;
  int64_t id = 0;
  std::optional<std::string> schema = std::nullopt;  // its text
  std::optional<std::string> value = std::nullopt;   // a level or mode; none: as if never set
  bool is_permanent = false;
  bool operator==(const Change&) const = default;
};

// A change in its place: each names the checksum of the one before it.
struct NumberedChange {
  int64_t number = 0;     // from 1 on
  uint32_t previous = 0;  // checksum of the one before; 0: it is the first
  Change change;
};

// A line: checksum in eight hexadecimal digits, a space, JSON, a line end.
std::string to_line(const NumberedChange& change);
// Fails with corrupt or newer_format, saying what is wrong.
Result<NumberedChange> parse_line(std::string_view line);
// The one that the line begins with.
uint32_t checksum_of(std::string_view line);

}  // namespace adweave::registry
