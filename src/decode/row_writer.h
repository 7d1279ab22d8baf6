// SPDX-License-Identifier: Apache-2.0
// Applies the mapping's row rules to one record after the other and writes the events and rejects
// of a slice.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "decode/field_reader.h"
#include "decode/mapping.h"
#include "event/slice.h"

namespace adweave::decode {

// For one decode() call. An event is written whole or becomes a reject.
class RowWriter {
 public:
  RowWriter(const Mapping& mapping, event::DecodedSlice& out);

  // `slots` holds the value of each slot of the mapping, `extra` the members that no rule reads;
  // both may be reused by the caller afterwards. `length` is the record's, for source_length.
  void write(std::span<const Value> slots, const ExtraObject& extra, const event::RecordSpan& span);

  void reject(event::Reason reason, std::string rule, std::string message,
              const event::RecordSpan& span, std::optional<event::Kind> kind = std::nullopt);

 private:
  const CompiledRow* find_row(std::span<const Value> slots) const;
  bool read_fields(const CompiledRow& row, std::span<const Value> slots,
                   const event::RecordSpan& span);
  void null_value(const CompiledField& field, std::span<const Value> slots);
  void reject_field(const CompiledField& field, bool missing, const event::RecordSpan& span,
                    std::optional<event::Kind> kind);
  bool joins_last(event::Reason reason, const event::RecordSpan& span);
  void put_row(const CompiledRow& row, const event::RecordSpan& span);

  // Codes of texts that a dictionary column has had lately: few texts make up most rows, and one is
  // told by a comparison in place of its hash.
  struct RecentCodes {
    std::array<int32_t, 32> codes;
    RecentCodes() { codes.fill(-1); }
    int32_t code_of(event::DictColumn& column, std::string_view text);
  };

  const Mapping& mapping_;
  event::DecodedSlice& out_;
  FieldReader reader_;
  std::vector<Cell> cells_;
  std::vector<std::vector<RecentCodes>> recent_;  // of each row rule's fields
  ExtraObject extra_;
  int64_t flags_ = 0;
  int64_t rows_ = 0;         // written
  int64_t reject_rows_ = 0;  // that were when the last reject was made
  bool joined_ = false;      // the last reject is a range
};

}  // namespace adweave::decode
