// SPDX-License-Identifier: Apache-2.0
// How a reader finds the ends of records without decoding them. decode/ implements it for each
// format, source/ uses it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace adweave::event {

// For one file, used by one thread.
class RecordCutter {
 public:
  virtual ~RecordCutter() = default;

  // Length of the head that every slice of the file needs (CSV header row, Avro header), given the
  // content's first bytes; 0 when the format has none. Null: needs more bytes. An Error: the file
  // is not of its format at all.
  virtual Result<std::optional<int64_t>> head(std::string_view start, bool at_end) = 0;

  // Offset in `bytes` just after the first record that ends at or after `target`. `bytes` starts at
  // the begin of a record. Null: needs more bytes. With at_end, what is left is one record. Never
  // null with at_end. 0: nothing from here on can be read, problem() tells why.
  virtual std::optional<int64_t> cut(std::string_view bytes, int64_t target, bool at_end) = 0;

  virtual std::string problem() const { return {}; }
};

}  // namespace adweave::event
