// SPDX-License-Identifier: Apache-2.0
#include "decode/column_reader.h"

#include "base/json.h"

namespace adweave::decode {

namespace {

constexpr int kUnread = -1;
constexpr int kThrownAway = -2;

}  // namespace

ColumnReader::ColumnReader(const Mapping& mapping, std::vector<std::string> names)
    : mapping_(mapping), names_(std::move(names)), slots_(static_cast<size_t>(mapping.slots())) {
  for (const std::string& name : names_) {
    const int slot = mapping.slot_of(name);
    slots_of_names_.push_back(name == "_" ? kThrownAway : slot >= 0 ? slot : kUnread);
  }
}

void ColumnReader::read(std::span<const std::string_view> values, const event::RecordSpan& span,
                        RowWriter& writer) {
  extra_.clear();  // each slot that has a column is written below
  for (size_t i = 0; i < names_.size(); ++i) {
    const int slot = slots_of_names_[i];
    if (slot >= 0) {
      slots_[static_cast<size_t>(slot)] = Value::of_text(values[i]);
    } else if (slot == kUnread && mapping_.collects_unread() && !values[i].empty()) {
      extra_.add(names_[i], Value::of_text(values[i]));
    }
  }
  if (mapping_.whole() >= 0) {
    whole_.clear();
    for (size_t i = 0; i < names_.size(); ++i) {
      if (slots_of_names_[i] == kThrownAway) continue;
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
