// SPDX-License-Identifier: Apache-2.0
#include "engine/publish_delta.h"

#include <algorithm>
#include <map>
#include <optional>

#include "engine/publish_days.h"
#include "event/schema.h"
#include "lake/delta_log.h"

namespace adweave::engine {

namespace {

using lake::DeltaLog;

constexpr int kRaces = 3;  // with a writer that was taken over: it has few versions left to give

// Whether a commit brings rows to a table or takes rows away, and does not only move them.
bool changes_rows(const ledger::CommitRecord& record, const event::TableInfo& table) {
  if (record.kind == "retention") return true;
  if (record.kind == "seal" || record.kind == "compact") return false;
  return std::any_of(record.added.begin(), record.added.end(),
                     [&](const event::DataFile& file) { return file.table == table.name; });
}

// What the log has to say to be as of the ledger's newest commit.
lake::DeltaChange change_of(const ledger::Ledger& ledger, const event::TableInfo& table,
                            const DeltaLog& log, int64_t now) {
  lake::DeltaChange change{ledger.ledger_id(), ledger.head(), ledger.epoch(), now, {}, {}, false};
  const auto& records = ledger.records();
  change.rows_change =
      log.version() < 0 || std::any_of(
                               records.begin() + log.through(ledger.ledger_id()), records.end(),
                               [&](const auto& record) { return changes_rows(record, table); });
  std::map<std::string, event::DataFile> live;
  for (const event::DataFile& file : ledger.live_files(table.name, ledger.head()))
    live.emplace(lake::path_in_table(file), file);
  for (const std::string& path : log.paths()) {
    if (live.erase(path) == 0) change.removed.push_back(path);
  }
  for (auto& [path, file] : live) change.added.push_back(std::move(file));
  return change;
}

PublishedTable describe(const event::TableInfo& table, const DeltaLog& log,
                        const lake::DeltaChange& change) {
  return {std::string(table.name), log.version(), static_cast<int64_t>(log.paths().size()),
          static_cast<int64_t>(change.added.size()), static_cast<int64_t>(change.removed.size())};
}

// Null when the table has nothing new.
Result<std::optional<PublishedTable>> publish_table(FileSystem& fs, const std::string& dir,
                                                    const ledger::Ledger& ledger,
                                                    const event::TableInfo& table, int64_t now) {
  for (int race = 0;; ++race) {
    ADWEAVE_ASSIGN(DeltaLog log, DeltaLog::open(fs, dir, table));
    if (log.through(ledger.ledger_id()) >= ledger.head()) return std::optional<PublishedTable>();
    const lake::DeltaChange change = change_of(ledger, table, log, now);
    if (change.added.empty() && change.removed.empty()) return std::optional<PublishedTable>();
    const Status published = log.publish(fs, change);
    if (published) return std::optional(describe(table, log, change));
    if (published.error().code != ErrorCode::exists || race == kRaces) return published.error();
  }
}

}  // namespace

Result<std::vector<PublishedTable>> publish_delta(FileSystem& fs, const std::string& dir,
                                                  const ledger::Ledger& ledger, int64_t now) {
  ADWEAVE_TRY(publish_days(fs, dir, ledger));
  std::vector<PublishedTable> tables;
  std::optional<Error> damage;
  for (const event::TableInfo& table : event::all_tables()) {
    auto published = publish_table(fs, dir, ledger, table, now);
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

Result<std::vector<PublishedTable>> rebuild_delta(FileSystem& fs, const std::string& dir,
                                                  const ledger::Ledger& ledger, int64_t now) {
  ADWEAVE_TRY(publish_days(fs, dir, ledger));
  std::vector<PublishedTable> tables;
  for (const event::TableInfo& table : event::all_tables()) {
    ADWEAVE_ASSIGN(DeltaLog log, DeltaLog::restart(fs, dir, table));
    const lake::DeltaChange change = change_of(ledger, table, log, now);
    if (change.added.empty() && log.version() < 0) continue;
    ADWEAVE_TRY(log.publish(fs, change));
    ADWEAVE_TRY(log.write_checkpoint(fs, now));
    tables.push_back(describe(table, log, change));
  }
  return tables;
}

DeltaLag delta_lag(const FileSystem& fs, const std::string& dir, const ledger::Ledger& ledger) {
  DeltaLag lag;
  for (const event::TableInfo& table : event::all_tables()) {
    Result<DeltaLog> log = DeltaLog::open(fs, dir, table);
    if (!log) {
      lag.damage.push_back(std::move(log).error());
      continue;
    }
    const lake::DeltaChange change = change_of(ledger, table, *log, 0);
    if (!change.added.empty() || !change.removed.empty()) lag.behind.emplace_back(table.name);
  }
  return lag;
}

}  // namespace adweave::engine
