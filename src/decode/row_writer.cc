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

}  // namespace

RowWriter::RowWriter(const Mapping& mapping, event::DecodedSlice& out)
    : mapping_(mapping), out_(out), pieces_(out.slice) {
  size_t most = 0;
  for (const CompiledRow& row : mapping.rows()) {
    Targets& targets = rules_.emplace_back(Targets{&row, {}});
    if (!row.kind) continue;
    for (const CompiledField& field : row.fields)
      targets.fields.push_back(target_of(field, out.batch(*row.kind)));
    most = std::max(most, row.fields.size());
  }
  cells_.resize(most);
}

RowWriter::Target RowWriter::target_of(const CompiledField& field, event::Batch& batch) {
  Target target{&field, {}};
  event::with_column(batch, field.rule.field, [&](auto& column) {
    if constexpr (std::is_constructible_v<Column, decltype(&column)>) target.column = &column;
  });
  if (!field.verbatim) return target;
  target.slot = field.slots[0];
  switch (field.type) {
    case event::Type::Str:
      target.way = Way::text;
      break;
    case event::Type::Id:
      target.way = field.rule.field == event::Field::user_id ? Way::user : Way::id;
      break;
    default:
      target.way = Way::dictionary;
  }
  return target;
}

inline size_t RowWriter::RecentCodes::place_of(std::string_view text) {
  const auto byte = [&](size_t at) { return size_t{static_cast<uint8_t>(text[at])}; };
  return (text.size() + byte(0) + 5 * byte(text.size() - 1)) % std::tuple_size_v<decltype(codes_)>;
}

inline int32_t RowWriter::RecentCodes::find(const event::Dictionary& dictionary,
                                            std::string_view text) const {
  const int32_t code = codes_[place_of(text)];
  if (code < 0) return -1;
  const std::string_view known = dictionary[code];
  const bool same =
      known.size() == text.size() && same_bytes(known.data(), text.data(), text.size());
  return same ? code : -1;
}

RowWriter::Targets* RowWriter::find_row(std::span<const Value> slots) {
  for (Targets& targets : rules_) {
    const std::vector<CompiledCondition>& when = targets.row->when;
    const bool fits =
        std::all_of(when.begin(), when.end(),
                    [&](const CompiledCondition& condition) { return holds(condition, slots); });
    if (fits) return &targets;
  }
  return nullptr;
}

void RowWriter::write(std::span<const Value> slots, const ExtraObject& extra,
                      const event::RecordSpan& span) {
  Targets* const targets = find_row(slots);
  if (targets == nullptr) {
    reject(event::Reason::unknown_kind, "rows", "no row rule of the mapping fits this record",
           span);
    return;
  }
  const CompiledRow& row = *targets->row;
  if (!row.kind) {
    reject(event::Reason::filtered, row.name, "a rule of the mapping drops it", span);
    return;
  }
  if (mapping_.unread() == Unread::reject && !extra.empty()) {
    reject(event::Reason::unread_value, "unread",
           "no field reads " + event::quoted(extra.to_json()), span, row.kind);
    return;
  }
  extra_.clear();
  if (mapping_.collects_unread()) extra_.append(extra);
  if (read_fields(*targets, slots, span)) put_row(*targets, span);
}

// Takes a text that is stored as it stands; false: the rule must look at it.
inline bool RowWriter::read_verbatim(const Target& target, std::string_view text, Cell& cell) {
  switch (target.way) {
    case Way::by_rule:
      return false;
    case Way::text:
      return cell.put(text);
    case Way::user:
      if (is_nil_user(text)) return false;
      [[fallthrough]];
    case Way::id:
      return !is_macro(text) && cell.put(text);
    case Way::dictionary:
      // A text that the column has had was found right then.
      cell.code =
          target.recent.find(std::get<event::DictColumn*>(target.column)->dictionary(), text);
      return cell.present = cell.code >= 0;
  }
  return false;
}

bool RowWriter::read_fields(const Targets& targets, std::span<const Value> slots,
                            const event::RecordSpan& span) {
  reader_.clear();
  flags_ = targets.row->flags;
  const int64_t received_time = pieces_.received_time(span.offset);
  Cell* next = cells_.data();
  for (const Target& target : targets.fields) {
    Cell& cell = *next++ = Cell();
    if (target.way != Way::by_rule) {
      const Value& value = slots[static_cast<size_t>(target.slot)];
      if (value.kind == Value::Kind::text && !value.text.empty() &&
          read_verbatim(target, value.text, cell))
        continue;
    }
    const CompiledField& field = *target.field;
    const bool fits = reader_.read(field, slots, received_time, cell);
    if (fits && (cell.present || field.rule.missing == Missing::null)) continue;
    if (!fits && field.rule.on_error == OnError::null) {
      null_value(field, slots);
    } else {
      reject_field(field, fits, span, targets.row->kind);
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

inline void RowWriter::put_cell(Target& target, int64_t row, const Cell& cell) {
  const auto put = [&](auto* column) {
    using C = std::remove_pointer_t<decltype(column)>;
    if constexpr (std::is_same_v<C, event::DictColumn>) {
      int32_t code = cell.code;
      if (code < 0) {
        code = column->intern(cell.text);
        target.recent.add(cell.text, code);
      }
      column->put_code(row, code);
    } else if constexpr (std::is_same_v<C, event::StrColumn> ||
                         std::is_same_v<C, event::IdColumn>) {
      column->put(row, cell.text);
    } else {
      column->put(row, static_cast<typename C::Value>(cell.integer));
    }
  };
  std::visit(put, target.column);
}

void RowWriter::put_row(Targets& targets, const event::RecordSpan& span) {
  event::Batch& batch = out_.batch(*targets.row->kind);
  const int64_t at = batch.rows++;
  ++rows_;
  const Cell* next = cells_.data();
  for (Target& target : targets.fields) {
    const Cell& cell = *next++;
    if (cell.present) put_cell(target, at, cell);
  }
  batch.spans.push_back(span);
  if (flags_ != 0) batch.flags.put(at, flags_);
  // A rule may have filled it with the whole record, which has these values too.
  if (!extra_.empty() && batch.extra.size() <= at) batch.extra.put(at, extra_.to_json());
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
