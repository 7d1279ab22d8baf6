// SPDX-License-Identifier: Apache-2.0
// What a Delta log says of a file's columns, so that readers skip it. Inside lake/ only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "event/data_file.h"
#include "event/schema.h"

namespace adweave::lake {

inline constexpr int64_t kMicrosPerMilli =
    1000;  // a Delta log has milliseconds, our rows microseconds

// Type of a column in a Delta schema: "string", "timestamp", "decimal(18,9)" ...
std::string_view delta_type(event::Type type);

// numRecords, minValues, maxValues and nullCount as JSON text, from the file's footer. Strings are
// cut at 32 characters, the greatest then made greater; times are in milliseconds, the least
// rounded down and the greatest up (protocol, "Per-file Statistics"). Fails with corrupt or io.
Result<std::string> delta_stats(const FileSystem& fs, const std::string& dir,
                                const event::TableInfo& table, const event::DataFile& file);

// At most 32 characters of a UTF-8 text: not greater than it, or not less. None: there is no such
// text.
std::string cut_down(std::string_view text);
std::optional<std::string> cut_up(std::string_view text);

}  // namespace adweave::lake
