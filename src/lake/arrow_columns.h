// SPDX-License-Identifier: Apache-2.0
// Our columns as Arrow arrays. Inside lake/ only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "event/batch.h"

namespace adweave::lake {

// Rows of one part that go into a file, ascending.
struct PartRows {
  const event::TableRows* part = nullptr;
  std::vector<int32_t> rows;
};

// Arrow type of a column: dict columns as dictionary(int32, utf8).
std::shared_ptr<arrow::DataType> arrow_type(event::Type type);

// Column `column` of all the parts, one after the other, as one array; dictionaries are merged in
// order of first use.
arrow::Result<std::shared_ptr<arrow::Array>> arrow_array(event::Type type, size_t column,
                                                         std::span<const PartRows> parts);

// What every row of a column says: null, or one string of a dictionary.
struct SameInAll {
  std::optional<std::string> value;
};

// Nothing when rows differ, or the column is neither empty nor a dictionary.
std::optional<SameInAll> same_in_all(const arrow::ChunkedArray& rows);

}  // namespace adweave::lake
