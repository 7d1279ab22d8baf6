// SPDX-License-Identifier: Apache-2.0
#include "engine/retention.h"

#include <map>
#include <set>

#include "base/limits.h"
#include "base/time.h"
#include "engine/publish_delta.h"
#include "event/schema.h"
#include "lake/table_reader.h"

namespace adweave::engine {

namespace {

bool holds_events(const event::DataFile& file) {
  return event::find_table(file.table)->kind.has_value();
}

std::vector<event::DataFile> files_before(const ledger::Ledger& ledger, int64_t from) {
  std::vector<event::DataFile> files = ledger.live_files("", ledger.head());
  const std::string day = format_date(from);
  std::erase_if(files, [&](const event::DataFile& file) { return file.date >= day; });
  return files;
}

// Rows of commits with several sources have to be counted before they are gone.
Result<std::vector<ledger::RetiredRows>> retired_rows(const FileSystem& fs, const std::string& dir,
                                                      const ledger::Ledger& ledger, int64_t from) {
  std::set<int64_t> of_several;
  ADWEAVE_TRY(ledger.visit_records(1, ledger.head(), [&](const auto& record) {
    if (record.counts.size() > 1) of_several.insert(record.number);
    return Status();
  }));
  std::map<std::pair<int64_t, std::string>, int64_t> counts;
  const auto count = [&](const event::Batch& rows) {
    for (int64_t row = 0; row < rows.rows; ++row) {
      const int64_t commit = rows.commit[row];
      if (!of_several.contains(commit)) continue;
      const bool replayed = ledger.summary().is_replay(commit);
      ++counts[{commit, ledger::counted_source(replayed, rows.source[row])}];
    }
    return Status();
  };
  for (const event::DataFile& file : files_before(ledger, from)) {
    const auto first = of_several.lower_bound(file.first_commit);
    const bool may_hold = first != of_several.end() && *first <= file.commit;
    constexpr event::Field kFields[] = {event::Field::source, event::Field::commit};
    if (holds_events(file) && may_hold)
      ADWEAVE_TRY(lake::visit_events(fs, dir, file, kFields, count));
  }
  std::vector<ledger::RetiredRows> retired;
  for (const auto& [key, rows] : counts) retired.push_back({key.first, key.second, rows});
  return retired;
}

ledger::CommitRecord record_of(const char* kind, int64_t now) {
  ledger::CommitRecord record;
  record.kind = kind;
  record.committed_at = now;
  return record;
}

}  // namespace

Result<RetentionPlan> plan_retention(const ledger::Ledger& ledger, int64_t from, int64_t now) {
  RetentionPlan plan;
  plan.from = from;
  if (ledger.retention() && from < ledger.retention()->from) {
    return Error{ErrorCode::usage,
                 "days before " + format_date(ledger.retention()->from) +
                     " are gone since commit " + std::to_string(ledger.retention()->commit) +
                     " and do not come back",
                 "give a later day, or restore the folder from a backup"};
  }
  if (from > now) {
    return Error{ErrorCode::usage, format_date(from) + " has not come yet: no day would be kept",
                 "give the first day that is to be kept"};
  }
  plan.done = ledger.retention() && from == ledger.retention()->from;
  if (plan.done) return plan;
  for (const event::DataFile& file : files_before(ledger, from)) {
    ++plan.files;
    plan.bytes += file.bytes;
    if (holds_events(file)) plan.events += file.rows;
  }
  return plan;
}

Result<RetentionPlan> retain(FileSystem& fs, ledger::LedgerWriter& writer, int64_t from,
                             int64_t now) {
  const std::string& dir = writer.options().dir;
  ADWEAVE_ASSIGN(const RetentionPlan plan, plan_retention(writer.ledger(), from, now));
  if (plan.done) {
    ADWEAVE_TRY(publish_delta(fs, dir, writer.ledger(), now));
    ADWEAVE_TRY(writer.sweep());
    return plan;
  }
  ADWEAVE_TRY(writer.enter_epoch(now));
  ledger::CommitRecord record = record_of("retention", now);
  record.retained_from = from;
  ADWEAVE_ASSIGN(record.retired, retired_rows(fs, dir, writer.ledger(), from));
  ADWEAVE_TRY(writer.append(std::move(record)));
  ADWEAVE_TRY(publish_delta(fs, dir, writer.ledger(), now));
  ADWEAVE_TRY(writer.sweep());
  return plan;
}

Result<bool> close_days(ledger::LedgerWriter& writer, int64_t open_from, int64_t now) {
  const std::optional<int64_t> closed = writer.ledger().closed_through();
  if (closed == open_from) return false;
  if (closed && open_from < *closed) {
    return Error{ErrorCode::usage,
                 "days through " + format_date(*closed - limits::kDayUs) +
                     " are closed and do not open again",
                 "what changes in them is booked on the first open day"};
  }
  if (open_from > now) {
    return Error{ErrorCode::usage, format_date(open_from - limits::kDayUs) + " is not over yet",
                 "close days that are over"};
  }
  ADWEAVE_TRY(writer.enter_epoch(now));
  ledger::CommitRecord record = record_of("close", now);
  record.closed_through = open_from;
  ADWEAVE_TRY(writer.append(std::move(record)));
  return true;
}

}  // namespace adweave::engine
