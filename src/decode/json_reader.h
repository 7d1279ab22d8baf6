// SPDX-License-Identifier: Apache-2.0
// JSON records -> events, by the mapping. Inside decode/ only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "decode/row_writer.h"

namespace adweave::decode {

// Bytes that a buffer goes on for after a record.
inline constexpr size_t kJsonPadding = 64;

// Reads one record after the other into slots and extra, in one walk that also checks the values
// that no rule reads.
class JsonReader {
 public:
  JsonReader(const Mapping& mapping, int nesting_max, RowWriter& writer);
  ~JsonReader();
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;

  // `record` lies in a buffer that goes on for kJsonPadding bytes. A record that is exploded has
  // events at the elements after span.element, which is left at the last.
  void read(std::string_view record, event::RecordSpan& span);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// The text at a path ("a.b") of a JSON object; null when there is none.
std::optional<std::string> find_json_text(std::string_view record, const std::string& path);

}  // namespace adweave::decode
