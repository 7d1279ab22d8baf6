// SPDX-License-Identifier: Apache-2.0
#include "process/validate.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/limits.h"
#include "base/time.h"
#include "event/flags.h"

namespace adweave::process {

namespace {

using event::Batch;
using event::Kind;
using event::Reason;

constexpr std::array<std::string_view, 10> kEngagementTypes = {
    "viewable",    "hover",        "expand", "quartile_25", "quartile_50",
    "quartile_75", "quartile_100", "mute",   "close",       "landing"};
constexpr std::array<std::string_view, 4> kOutcomes = {"bid", "win", "loss", "billed"};
constexpr std::array<std::string_view, 3> kAdjustments = {"none", "retraction", "restatement"};

// What is wrong with a row; null when nothing is.
struct Broken {
  Reason reason;
  std::string_view rule;
  std::string message;
};

using MissingFields = std::vector<const event::FieldInfo*>;

// Of each row the first required field that it lacks, or null; empty when no row lacks one.
MissingFields missing_fields(const Batch& batch) {
  MissingFields missing;
  event::for_each_column(batch, [&](const event::FieldInfo& field, const auto& column) {
    const bool checked = field.origin == event::Origin::Mapped && field.required_in(batch.kind) &&
                         field.field != event::Field::event_id;
    if (!checked || column.is_full(batch.rows)) return;
    missing.resize(static_cast<size_t>(batch.rows));
    for (int64_t row = 0; row < batch.rows; ++row) {
      const event::FieldInfo*& first = missing[static_cast<size_t>(row)];
      if (first == nullptr && !column.has(row)) first = &field;
    }
  });
  return missing;
}

Broken missing_field(Kind kind, std::string_view name) {
  return {Reason::missing_field, name,
          "the " + std::string(event::kind_name(kind)) + " has no " + std::string(name)};
}

std::optional<Broken> bad_time(const Batch& batch, int64_t row, const ValidationRules& rules) {
  const int64_t time = batch.event_time[row];
  const int64_t received = batch.received_time[row];
  const auto text = [&] { return "event_time " + format_time(time); };
  if (time < limits::kEventTimeMin)
    return Broken{Reason::time_out_of_range, "event_time", text() + " is before 2000"};
  if (time > received + limits::kFutureToleranceUs) {
    return Broken{
        Reason::time_out_of_range, "event_time",
        text() + " is more than 10 minutes after its receipt at " + format_time(received)};
  }
  if (rules.oldest_time && time < *rules.oldest_time) {
    return Broken{Reason::older_than_retention, "event_time",
                  text() + " is before the oldest retained day " + format_date(*rules.oldest_time)};
  }
  return std::nullopt;
}

// A closed list of values, and the column that keeps to it.
struct ClosedList {
  const event::DictColumn* column = nullptr;  // null: the kind has none
  std::string_view name;
  std::span<const std::string_view> values;
};

ClosedList closed_list(const Batch& batch) {
  switch (batch.kind) {
    case Kind::engagement:
      return {&batch.engagement_type, "engagement_type", kEngagementTypes};
    case Kind::auction_outcome:
      return {&batch.outcome, "outcome", kOutcomes};
    case Kind::conversion:
      return {&batch.adjustment, "adjustment", kAdjustments};
    default:
      return {};
  }
}

Broken unknown_value(const ClosedList& list, std::string_view value) {
  std::string known;
  for (const std::string_view word : list.values)
    known.append(known.empty() ? "" : ", ").append(word);
  return {Reason::unknown_value, list.name,
          std::string(list.name) + " " + event::quoted(value) + " is none of: " + known};
}

// Says which rows keep the rules: a few comparisons a row, words are looked up once each.
class RowChecks {
 public:
  RowChecks(const Batch& batch, const ValidationRules& rules)
      : batch_(batch),
        rules_(rules),
        time_min_(std::max(limits::kEventTimeMin, rules.oldest_time.value_or(INT64_MIN))),
        missing_(missing_fields(batch)),
        list_(closed_list(batch)) {
    if (list_.column == nullptr) return;
    for (int32_t code = 0; code < list_.column->dictionary().size(); ++code) {
      const auto& values = list_.values;
      const std::string_view word = list_.column->dictionary()[code];
      unknown_.push_back(std::find(values.begin(), values.end(), word) == values.end());
    }
  }

  bool passes(int64_t row) const {
    if (lacks_field(row)) return false;
    const int64_t time = batch_.event_time[row];
    const bool in_range =
        time >= time_min_ && time <= batch_.received_time[row] + limits::kFutureToleranceUs;
    return in_range && !is_unknown(row);
  }
  // Of a row that does not pass.
  Broken broken(int64_t row) const {
    if (lacks_field(row))
      return missing_field(batch_.kind, missing_[static_cast<size_t>(row)]->name);
    if (auto bad = bad_time(batch_, row, rules_)) return *std::move(bad);
    return unknown_value(list_, (*list_.column)[row]);
  }

 private:
  bool lacks_field(int64_t row) const {
    return !missing_.empty() && missing_[static_cast<size_t>(row)] != nullptr;
  }
  bool is_unknown(int64_t row) const {
    return list_.column != nullptr && list_.column->has(row) &&
           unknown_[static_cast<size_t>(list_.column->code(row))];
  }

  const Batch& batch_;
  const ValidationRules& rules_;
  int64_t time_min_;
  MissingFields missing_;
  ClosedList list_;
  std::vector<bool> unknown_;  // by code
};

}  // namespace

std::vector<int32_t> validate(event::DecodedSlice& slice, Batch& batch,
                              const ValidationRules& rules) {
  std::vector<int32_t> kept;
  kept.reserve(static_cast<size_t>(batch.rows));
  const RowChecks checks(batch, rules);
  for (int64_t row = 0; row < batch.rows; ++row) {
    if (!checks.passes(row)) {
      Broken broken = checks.broken(row);
      slice.rejects.push_back({broken.reason, std::string(broken.rule), std::move(broken.message),
                               batch.kind, batch.spans[static_cast<size_t>(row)]});
      continue;
    }
    kept.push_back(static_cast<int32_t>(row));
    if (batch.received_time[row] - batch.event_time[row] > limits::kLateAfterUs)
      batch.flags.replace(row, batch.flags.value_or(row, 0) | event::kLate);
  }
  return kept;
}

}  // namespace adweave::process
