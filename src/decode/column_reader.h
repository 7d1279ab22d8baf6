// SPDX-License-Identifier: Apache-2.0
// Records that are a list of texts under the same names: CSV rows, fields of a line pattern. Inside
// decode/ only.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "decode/row_writer.h"

namespace adweave::decode {

// For one decode() call. A value under the name "_" is thrown away.
class ColumnReader {
 public:
  ColumnReader(const Mapping& mapping, std::vector<std::string> names);

  const std::vector<std::string>& names() const { return names_; }
  // As many values as there are names.
  void read(std::span<const std::string_view> values, const event::RecordSpan& span,
            RowWriter& writer);

 private:
  const Mapping& mapping_;
  std::vector<std::string> names_;
  // A name whose value is a rule's, or goes to extra.
  struct Wanted {
    size_t name;
    int slot;  // -1: extra
  };
  std::vector<Wanted> wanted_;
  std::vector<Value> slots_;  // texts
  ExtraObject extra_;
  std::string whole_;
};

}  // namespace adweave::decode
