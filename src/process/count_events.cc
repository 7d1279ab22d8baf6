// SPDX-License-Identifier: Apache-2.0
#include "process/count_events.h"

#include <unordered_map>

namespace adweave::process {

namespace {

constexpr int32_t kNull = -1;  // beside the codes of a dictionary

// Numbers distinct keys in the order in which they come, from 0.
class Numbering {
 public:
  int32_t of(int64_t key) {
    if (last_ >= 0 && key == last_key_) return last_;  // times hardly change from row to row
    last_key_ = key;
    last_ = numbers_.emplace(key, static_cast<int32_t>(numbers_.size())).first->second;
    return last_;
  }

 private:
  std::unordered_map<int64_t, int32_t> numbers_;
  int64_t last_key_ = 0;
  int32_t last_ = -1;
};

// Splits groups of rows by one more property of a row.
template <class F>
void split(std::span<const int32_t> rows, std::vector<int32_t>& groups, F&& property) {
  Numbering numbering;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto part = static_cast<uint32_t>(property(rows[i]));
    groups[i] = numbering.of(int64_t{groups[i]} << 32 | part);
  }
}

int64_t window_of(int64_t time, int64_t window_us) {
  const int64_t rest = time % window_us;
  return time - (rest < 0 ? rest + window_us : rest);
}

const event::DictColumn& dict_column(const event::Batch& batch, event::Field field) {
  const event::DictColumn* found = nullptr;
  event::with_column(batch, field, [&](const auto& column) {
    if constexpr (std::is_same_v<decltype(column), const event::DictColumn&>) found = &column;
  });
  CHECK(found != nullptr);
  return *found;
}

}  // namespace

void count_events(const event::Batch& batch, std::span<const int32_t> rows, const CountBy& by,
                  EventCounts& counts) {
  std::vector<int32_t> groups(rows.size(), 0);
  if (by.window_us > 0) {
    Numbering windows;
    split(rows, groups,
          [&](int32_t row) { return windows.of(window_of(batch.event_time[row], by.window_us)); });
  }
  for (const event::Field field : by.fields) {
    const event::DictColumn& column = dict_column(batch, field);
    split(rows, groups, [&](int32_t row) { return column.has(row) ? column.code(row) : kNull; });
  }

  struct Group {
    int32_t first_row = 0;
    int64_t events = 0;
  };
  std::vector<Group> found;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto group = static_cast<size_t>(groups[i]);
    if (group == found.size()) found.push_back({rows[i], 0});
    ++found[group].events;
  }
  for (const Group& group : found) {
    EventGroup key;
    key.kind = batch.kind;
    if (by.window_us > 0) key.window = window_of(batch.event_time[group.first_row], by.window_us);
    for (const event::Field field : by.fields) {
      const event::DictColumn& column = dict_column(batch, field);
      key.values.emplace_back();
      if (column.has(group.first_row)) key.values.back() = column[group.first_row];
    }
    counts[std::move(key)] += group.events;
  }
}

}  // namespace adweave::process
