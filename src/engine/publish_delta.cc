// SPDX-License-Identifier: Apache-2.0
#include "engine/publish_delta.h"

#include <chrono>
#include <utility>

#include "engine/publish_days.h"
#include "event/schema.h"

namespace adweave::engine {

namespace {

using lake::DeltaLog;

constexpr int kRaces = 3;  // with a writer that was taken over: it has few versions left to give

// What the log has to say to be as of the ledger.
lake::DeltaChange change_of(const LedgerView& ledger, const event::TableInfo& table,
                            const DeltaLog& log, int64_t rows_changed, int64_t now) {
  lake::DeltaChange change{ledger.ledger_id, ledger.head, ledger.epoch, now, {}, {}, false};
  change.rows_change = log.version() < 0 || rows_changed > log.through(ledger.ledger_id);
  std::map<std::string, const event::DataFile*> live;
  for (const event::DataFile& file : ledger.live) {
    if (file.table == table.name) live.emplace(lake::path_in_table(file), &file);
  }
  for (const std::string& path : log.paths()) {
    if (live.erase(path) == 0) change.removed.push_back(path);
  }
  for (const auto& [path, file] : live) change.added.push_back(*file);
  return change;
}

PublishedTable describe(const event::TableInfo& table, const DeltaLog& log,
                        const lake::DeltaChange& change) {
  return {std::string(table.name), log.version(), static_cast<int64_t>(log.paths().size()),
          static_cast<int64_t>(change.added.size()), static_cast<int64_t>(change.removed.size())};
}

int64_t number_of(const std::map<std::string, int64_t>& commits, const event::TableInfo& table) {
  const auto it = commits.find(std::string(table.name));
  return it == commits.end() ? 0 : it->second;
}

}  // namespace

DeltaPublisher::Task DeltaPublisher::task_of(const ledger::Ledger& ledger, int64_t now) {
  const int64_t changed = ledger.summary().days_changed;
  const bool days = std::exchange(days_published_, changed) != changed;
  return {LedgerView(ledger), ledger.summary().rows_changed, days, now};
}

// A log stays open until something is wrong with it or it is not there any more.
Result<DeltaLog*> DeltaPublisher::log_of(const event::TableInfo& table) {
  const std::string name(table.name);
  const auto open = logs_.find(name);
  if (open != logs_.end() && open->second.is_newest(fs_)) return &open->second;
  if (open != logs_.end()) logs_.erase(open);
  ADWEAVE_ASSIGN(DeltaLog log, DeltaLog::open(fs_, dir_, table));
  return &logs_.emplace(name, std::move(log)).first->second;
}

// Null when the table has nothing new.
Result<std::optional<PublishedTable>> DeltaPublisher::publish_table(const Task& task,
                                                                    const event::TableInfo& table) {
  for (int race = 0;; ++race) {
    ADWEAVE_ASSIGN(DeltaLog * log, log_of(table));
    if (log->through(task.ledger.ledger_id) >= task.ledger.head)
      return std::optional<PublishedTable>();
    const lake::DeltaChange change =
        change_of(task.ledger, table, *log, number_of(task.rows_changed, table), task.now);
    if (change.added.empty() && change.removed.empty()) return std::optional<PublishedTable>();
    const Status published = log->publish(fs_, change);
    if (published) return std::optional(describe(table, *log, change));
    logs_.erase(std::string(table.name));
    if (published.error().code != ErrorCode::exists || race == kRaces) return published.error();
  }
}

DeltaPublisher::Published DeltaPublisher::work(const Task& task) {
  const StageTimer timer(profile_, Stage::publish);
  if (task.days) ADWEAVE_TRY(publish_days(fs_, dir_, task.ledger));
  std::vector<PublishedTable> tables;
  std::optional<Error> damage;
  for (const event::TableInfo& table : event::all_tables()) {
    auto published = publish_table(task, table);
    if (published) {
      if (*published) tables.push_back(**published);
    } else if (published.error().code == ErrorCode::corrupt) {
      damage = damage.value_or(published.error());
    } else {
      return std::move(published).error();
    }
  }
  if (damage) return *damage;
  return tables;
}

DeltaPublisher::Published DeltaPublisher::publish(const ledger::Ledger& ledger, int64_t now) {
  return work(task_of(ledger, now));
}

void DeltaPublisher::begin(const ledger::Ledger& ledger, int64_t now) {
  CHECK(!is_publishing());
  work_ = std::async(std::launch::async,
                     [this, task = task_of(ledger, now)] { published_ = work(task); });
}

bool DeltaPublisher::is_published() const {
  return work_.valid() && work_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

DeltaPublisher::Published DeltaPublisher::end() {
  CHECK(is_publishing());
  work_.get();
  return *std::exchange(published_, std::nullopt);
}

Result<std::vector<PublishedTable>> publish_delta(FileSystem& fs, const std::string& dir,
                                                  const ledger::Ledger& ledger, int64_t now) {
  return DeltaPublisher(fs, dir).publish(ledger, now);
}

Result<std::vector<PublishedTable>> rebuild_delta(FileSystem& fs, const std::string& dir,
                                                  const ledger::Ledger& ledger, int64_t now) {
  const LedgerView view(ledger);
  ADWEAVE_TRY(unlink_false_links(fs, dir, view));
  ADWEAVE_TRY(publish_days(fs, dir, view));
  std::vector<PublishedTable> tables;
  for (const event::TableInfo& table : event::all_tables()) {
    ADWEAVE_ASSIGN(DeltaLog log, DeltaLog::restart(fs, dir, table));
    // It says all there is.
    const lake::DeltaChange change = change_of(view, table, log, view.head, now);
    if (change.added.empty() && log.version() < 0) continue;
    ADWEAVE_TRY(log.publish(fs, change));
    ADWEAVE_TRY(log.write_checkpoint(fs, now));
    ADWEAVE_TRY(log.remove_damaged(fs));
    tables.push_back(describe(table, log, change));
  }
  return tables;
}

DeltaLag delta_lag(const FileSystem& fs, const std::string& dir, const ledger::Ledger& ledger) {
  const LedgerView view(ledger);
  DeltaLag lag;
  for (const event::TableInfo& table : event::all_tables()) {
    Result<DeltaLog> log = DeltaLog::open(fs, dir, table);
    if (!log) {
      lag.damage.push_back(std::move(log).error());
      continue;
    }
    const lake::DeltaChange change = change_of(view, table, *log, 0, 0);
    if (!change.added.empty() || !change.removed.empty()) lag.behind.emplace_back(table.name);
  }
  return lag;
}

}  // namespace adweave::engine
