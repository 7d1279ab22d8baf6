// SPDX-License-Identifier: Apache-2.0
#include "decode/row_writer.h"

#include <algorithm>

#include "base/limits.h"
#include "event/flags.h"

namespace adweave::decode {

namespace {

bool holds(const CompiledCondition& compiled, std::span<const Value> slots) {
  const Value& value = slots[static_cast<size_t>(compiled.slot)];
  std::string scratch;
  const std::string_view text = value.has_value() ? text_of(value, scratch) : std::string_view();
  const auto& words = compiled.condition.words;
  return (std::find(words.begin(), words.end(), text) != words.end()) != compiled.condition.negated;
}

void put_cell(event::StrColumn& column, int64_t row, const Cell& cell) {
  column.put(row, cell.text);
}
void put_cell(event::IdColumn& column, int64_t row, const Cell& cell) {
  column.put(row, cell.text);
}
void put_cell(event::BoolColumn& column, int64_t row, const Cell& cell) {
  column.put(row, static_cast<uint8_t>(cell.integer));
}
template <class Column>
void put_cell(Column& column, int64_t row, const Cell& cell) {
  column.put(row, cell.integer);
}

}  // namespace

RowWriter::RowWriter(const Mapping& mapping, event::DecodedSlice& out)
    : mapping_(mapping), out_(out) {
  size_t most = 0;
  for (const CompiledRow& row : mapping.rows()) {
    recent_.emplace_back(row.fields.size());
    most = std::max(most, row.fields.size());
  }
  cells_.resize(most);
}

inline int32_t RowWriter::RecentCodes::code_of(event::DictColumn& column, std::string_view text) {
  const auto byte = [&](size_t at) { return size_t{static_cast<uint8_t>(text[at])}; };
  int32_t& code = codes[(text.size() + byte(0) + 5 * byte(text.size() - 1)) % codes.size()];
  if (code < 0 || column.dictionary()[code] != text) code = column.intern(text);
  return code;
}

const CompiledRow* RowWriter::find_row(std::span<const Value> slots) const {
  for (const CompiledRow& row : mapping_.rows()) {
    const bool fits =
        std::all_of(row.when.begin(), row.when.end(),
                    [&](const CompiledCondition& condition) { return holds(condition, slots); });
    if (fits) return &row;
  }
  return nullptr;
}

void RowWriter::write(std::span<const Value> slots, const ExtraObject& extra,
                      const event::RecordSpan& span) {
  const CompiledRow* row = find_row(slots);
  if (row == nullptr) {
    reject(event::Reason::unknown_kind, "rows", "no row rule of the mapping fits this record",
           span);
    return;
  }
  if (!row->kind) {
    reject(event::Reason::filtered, row->name, "a rule of the mapping drops it", span);
    return;
  }
  if (mapping_.unread() == Unread::reject && !extra.empty()) {
    reject(event::Reason::unread_value, "unread",
           "no field reads " + event::quoted(extra.to_json()), span, row->kind);
    return;
  }
  extra_.clear();
  if (mapping_.collects_unread()) extra_.append(extra);
  if (read_fields(*row, slots, span)) put_row(*row, span);
}

bool RowWriter::read_fields(const CompiledRow& row, std::span<const Value> slots,
                            const event::RecordSpan& span) {
  reader_.clear();
  flags_ = row.flags;
  Cell* cell = cells_.data();
  for (const CompiledField& field : row.fields) {
    const bool fits = reader_.read(field, slots, out_.slice.received_time, *cell);
    const bool present = cell++->present;
    if (fits && (present || field.rule.missing == Missing::null)) continue;
    if (!fits && field.rule.on_error == OnError::null) {
      null_value(field, slots);
    } else {
      reject_field(field, fits, span, row.kind);
      return false;
    }
  }
  return true;
}

// Keeps a value that does not fit in `extra`.
void RowWriter::null_value(const CompiledField& field, std::span<const Value> slots) {
  flags_ |= event::kValueNulled;
  for (const int slot : field.slots) {
    const Value& value = slots[static_cast<size_t>(slot)];
    if (value.has_value()) extra_.add(mapping_.path(slot), value);
  }
}

void RowWriter::reject_field(const CompiledField& field, bool missing,
                             const event::RecordSpan& span, std::optional<event::Kind> kind) {
  const std::string name(event::info(field.rule.field).name);
  if (missing) {
    reject(event::Reason::missing_field, name, "the record has no value for " + name, span, kind);
  } else {
    reject(reader_.misfit().reason, name, std::move(reader_.misfit().message), span, kind);
  }
}

void RowWriter::put_row(const CompiledRow& row, const event::RecordSpan& span) {
  event::Batch& batch = out_.batch(*row.kind);
  const int64_t at = batch.rows++;
  ++rows_;
  const Cell* next = cells_.data();
  RecentCodes* next_recent = recent_[static_cast<size_t>(&row - mapping_.rows().data())].data();
  for (const CompiledField& field : row.fields) {
    const Cell& cell = *next++;
    RecentCodes& recent = *next_recent++;
    if (!cell.present) continue;
    event::with_column(batch, field.rule.field, [at, &cell, &recent](auto& column) {
      if constexpr (std::is_same_v<decltype(column), event::DictColumn&>)
        column.put_code(at, recent.code_of(column, cell.text));
      else
        put_cell(column, at, cell);
    });
  }
  batch.spans.push_back(span);
  if (flags_ != 0) batch.flags.put(at, flags_);
  if (!extra_.empty()) batch.extra.put(at, extra_.to_json());
}

// Whether a reject was made part of the one before it: so many in a slice would take its size many
// times over in memory. The byte range is one record.
bool RowWriter::joins_last(event::Reason reason, const event::RecordSpan& span) {
  const bool many = static_cast<int64_t>(out_.rejects.size()) >= limits::kRejectsPerSliceMax;
  if (!many || reject_rows_ != rows_ || span.element >= 0) return false;
  event::Reject& last = out_.rejects.back();
  if (last.reason != reason || last.span.element >= 0) return false;
  if (!joined_) last.message = "a range of records, the first: " + last.message;
  joined_ = true;
  last.span.length = static_cast<int32_t>(span.offset + span.length - last.span.offset);
  --out_.records_read;
  return true;
}

void RowWriter::reject(event::Reason reason, std::string rule, std::string message,
                       const event::RecordSpan& span, std::optional<event::Kind> kind) {
  if (joins_last(reason, span)) return;
  reject_rows_ = rows_;
  joined_ = false;
  out_.rejects.push_back({reason, std::move(rule), std::move(message), kind, span});
}

}  // namespace adweave::decode
