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

// Of each row the first required field that it lacks; null when it lacks none.
std::vector<const event::FieldInfo*> missing_fields(const Batch& batch) {
  std::vector<const event::FieldInfo*> missing(static_cast<size_t>(batch.rows), nullptr);
  event::for_each_column(batch, [&](const event::FieldInfo& field, const auto& column) {
    const bool checked = field.origin == event::Origin::Mapped && field.required_in(batch.kind) &&
                         field.field != event::Field::event_id;
    if (!checked || column.is_full(batch.rows)) return;
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

std::optional<Broken> outside_list(const event::DictColumn& column, int64_t row,
                                   std::string_view name, std::span<const std::string_view> list) {
  if (!column.has(row) || std::find(list.begin(), list.end(), column[row]) != list.end())
    return std::nullopt;
  std::string known;
  for (const std::string_view word : list) known.append(known.empty() ? "" : ", ").append(word);
  return Broken{Reason::unknown_value, name,
                std::string(name) + " " + event::quoted(column[row]) + " is none of: " + known};
}

std::optional<Broken> unknown_value(const Batch& batch, int64_t row) {
  switch (batch.kind) {
    case Kind::engagement:
      return outside_list(batch.engagement_type, row, "engagement_type", kEngagementTypes);
    case Kind::auction_outcome:
      return outside_list(batch.outcome, row, "outcome", kOutcomes);
    case Kind::conversion:
      return outside_list(batch.adjustment, row, "adjustment", kAdjustments);
    default:
      return std::nullopt;
  }
}

std::optional<Broken> check(const Batch& batch, int64_t row, const event::FieldInfo* missing,
                            const ValidationRules& rules) {
  if (missing != nullptr) return missing_field(batch.kind, missing->name);
  if (auto broken = bad_time(batch, row, rules)) return broken;
  return unknown_value(batch, row);
}

}  // namespace

std::vector<int32_t> validate(event::DecodedSlice& slice, Batch& batch,
                              const ValidationRules& rules) {
  std::vector<int32_t> kept;
  kept.reserve(static_cast<size_t>(batch.rows));
  const std::vector<const event::FieldInfo*> missing = missing_fields(batch);
  for (int64_t row = 0; row < batch.rows; ++row) {
    if (auto broken = check(batch, row, missing[static_cast<size_t>(row)], rules)) {
      slice.rejects.push_back({broken->reason, std::string(broken->rule),
                               std::move(broken->message), batch.kind,
                               batch.spans[static_cast<size_t>(row)]});
      continue;
    }
    kept.push_back(static_cast<int32_t>(row));
    if (batch.received_time[row] - batch.event_time[row] > limits::kLateAfterUs) {
      batch.flags.replace(row, batch.flags.value_or(row, 0) | event::kLate);
    }
  }
  return kept;
}

}  // namespace adweave::process
