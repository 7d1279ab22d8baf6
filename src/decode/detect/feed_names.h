// SPDX-License-Identifier: Apache-2.0
// What feeds call fields and kinds of events. Inside decode/detect/ only.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "event/schema.h"

namespace adweave::decode {

// Names that feeds give a field, the likeliest first. `weight` tells how much a column of the name
// speaks for the kinds in `kinds`.
struct FieldNames {
  event::Field field;
  std::string_view names;
  double weight;
  std::string_view kinds;  // letters as in event/fields.def
};
std::span<const FieldNames> field_names();

// Whether the letter of a kind is among `letters`.
bool has_letter(std::string_view letters, event::Kind kind);

// "userInfo.User ID" -> "user_info_user_id"
std::string normal_name(std::string_view name);

// The words of a text, split at `separator`.
std::vector<std::string_view> split(std::string_view text, char separator);

// The kind that a word in a column, or in a file's name, speaks of.
std::optional<event::Kind> kind_of_word(std::string_view word);

}  // namespace adweave::decode
