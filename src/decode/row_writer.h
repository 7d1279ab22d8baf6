// SPDX-License-Identifier: Apache-2.0
// Applies the mapping's row rules to one record after the other and writes the events and rejects
// of a slice.
#pragma once

#include <array>
#include <span>
#include <string>
#include <variant>
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
  // Codes of texts that a dictionary column has had lately: few texts make up most rows, and one is
  // told by a comparison in place of its hash.
  class RecentCodes {
   public:
    RecentCodes() { codes_.fill(-1); }
    // -1 when the text is none of them. Not for an empty one.
    int32_t find(const event::Dictionary& dictionary, std::string_view text) const;
    void add(std::string_view text, int32_t code) { codes_[place_of(text)] = code; }

   private:
    static size_t place_of(std::string_view text);
    std::array<int32_t, 32> codes_;
  };

  // How the usual value of a field is read, without the rule's help.
  enum class Way : uint8_t { by_rule, text, id, user, dictionary };

  using Column =
      std::variant<event::StrColumn*, event::DictColumn*, event::IdColumn*, event::TimeColumn*,
                   event::MoneyColumn*, event::IntColumn*, event::FloatColumn*, event::BoolColumn*>;

  // A field of a row rule, and the column that it goes to.
  struct Target {
    const CompiledField* field;
    Column column;
    Way way = Way::by_rule;
    int slot = 0;  // of the value, where the way is not by_rule
    RecentCodes recent;
  };

  // A row rule.
  struct Targets {
    const CompiledRow* row;
    std::vector<Target> fields;
  };

  static Target target_of(const CompiledField& field, event::Batch& batch);
  static bool read_verbatim(const Target& target, std::string_view text, Cell& cell);
  static void put_cell(Target& target, int64_t row, const Cell& cell);
  Targets* find_row(std::span<const Value> slots);
  bool read_fields(const Targets& targets, std::span<const Value> slots,
                   const event::RecordSpan& span);
  void null_value(const CompiledField& field, std::span<const Value> slots);
  void reject_field(const CompiledField& field, bool missing, const event::RecordSpan& span,
                    std::optional<event::Kind> kind);
  bool joins_last(event::Reason reason, const event::RecordSpan& span);
  void put_row(Targets& targets, const event::RecordSpan& span);

  const Mapping& mapping_;
  event::DecodedSlice& out_;
  event::PieceCursor pieces_;  // of out_.slice
  FieldReader reader_;
  std::vector<Cell> cells_;
  std::vector<Targets> rules_;  // of the mapping's rows
  ExtraObject extra_;
  int64_t flags_ = 0;
  int64_t rows_ = 0;         // written
  int64_t reject_rows_ = 0;  // that were when the last reject was made
  bool joined_ = false;      // the last reject is a range
};

}  // namespace adweave::decode
