// SPDX-License-Identifier: Apache-2.0
#include "decode/column_reader.h"

#include "base/json.h"

namespace adweave::decode {

namespace {

constexpr std::string_view kThrownAway = "_";

}  // namespace

ColumnReader::ColumnReader(const Mapping& mapping, std::vector<std::string> names)
    : mapping_(mapping), names_(std::move(names)), slots_(static_cast<size_t>(mapping.slots())) {
  for (size_t i = 0; i < names_.size(); ++i) {
    if (names_[i] == kThrownAway) continue;
    const int slot = mapping.slot_of(names_[i]);
    if (slot >= 0 || mapping.collects_unread()) wanted_.push_back({i, slot});
    if (slot >= 0) slots_[static_cast<size_t>(slot)].kind = Value::Kind::text;
  }
}

void ColumnReader::read(std::span<const std::string_view> values, const event::RecordSpan& span,
                        RowWriter& writer) {
  extra_.clear();
  for (const Wanted& wanted : wanted_) {
    const std::string_view value = values[wanted.name];
    if (wanted.slot >= 0) {
      slots_[static_cast<size_t>(wanted.slot)].text = value;
    } else if (!value.empty()) {
      extra_.add(names_[wanted.name], Value::of_text(value));
    }
  }
  if (mapping_.whole() >= 0) {
    whole_.clear();
    for (size_t i = 0; i < names_.size(); ++i) {
      if (names_[i] == kThrownAway) continue;
      whole_ += whole_.empty() ? '{' : ',';
      append_json_string(whole_, names_[i]);
      whole_ += ':';
      append_json_string(whole_, values[i]);
    }
    whole_ += whole_.empty() ? "{}" : "}";
    slots_[static_cast<size_t>(mapping_.whole())] = Value::of_json(whole_);
  }
  writer.write(slots_, extra_, span);
}

}  // namespace adweave::decode
