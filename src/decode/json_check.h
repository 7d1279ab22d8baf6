// SPDX-License-Identifier: Apache-2.0
// Checks JSON text that is kept without being read (RFC 8259).
#pragma once

#include <string_view>

namespace adweave::decode {

enum class JsonCheck { ok, malformed, too_deep };

// Whether `text` is one JSON value, nested at most `nesting_max` deep. UTF-8 is not checked here.
JsonCheck check_json(std::string_view text, int nesting_max);

// Whether `text` is a JSON number.
bool is_json_number(std::string_view text);

}  // namespace adweave::decode
