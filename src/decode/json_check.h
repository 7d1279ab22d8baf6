// SPDX-License-Identifier: Apache-2.0
// Checks JSON text that is kept without being read (RFC 8259).
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace adweave::decode {

enum class JsonCheck { ok, malformed, too_deep };

// Offset after the value that begins at `begin`, which is no space, by its brackets and quotes
// alone; npos when `text` ends first, or may end within a number or word. Always after `begin`.
size_t find_json_end(std::string_view text, size_t begin);

// Whether `text` is one JSON value, nested at most `nesting_max` deep. UTF-8 is not checked here.
JsonCheck check_json(std::string_view text, int nesting_max);

// Offset of the byte at which `text` stops being one JSON value; null when it is one.
std::optional<size_t> find_json_break(std::string_view text, int nesting_max);

// Whether `text` is a JSON number.
bool is_json_number(std::string_view text);

}  // namespace adweave::decode
