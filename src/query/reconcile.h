// SPDX-License-Identifier: Apache-2.0
// Counts the lake again and compares it with what the commits claim: by SQL over the Parquet files
// alone, another way than the one on which the numbers came to be.
//
//   files: each live file has the rows that its commit says
//
//   sources: accepted events, duplicates, conflicts and rejects have as many rows as the commits
//   count (of replays accepted events alone), and the table `audit` says the same
//
//   money: cost and conversion value, by source and currency, are the sums in `audit`
//
//   cells: the KPI cells of the warehouse are what the rows give
//
// What follows from a difference is not told too: sources and money are compared when the files are
// as claimed, cells when all else is. After a retention, duplicates, rejects, audit and money are
// compared for later commits alone.
//
// Used by one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "ledger/ledger.h"
#include "query/sql_engine.h"

namespace adweave::query {

// What is not as it is claimed. What does not apply is empty.
struct Difference {
  std::string what;   // "rows", "accepted", "cost in EUR", "cells", ...
  std::string table;  // of the lake
  std::string day;    // its partition
  std::string source;
  std::string file;  // relative to the data folder
  std::string expected;
  std::string found;
  int64_t size = 1;  // rows that are missing or too many; 1 of anything else

  // "clicks of 2023-11-01: rows: 5 expected, 4 found in lake/..."
  std::string text() const;
};

struct Reconciliation {
  int64_t commit = 0;     // as of which
  int64_t files = 0;      // live ones
  int64_t counted = 0;    // of them, that were read now: new or changed ones
  int64_t cell_days = 0;  // days whose cells were compared now
  std::vector<Difference> differences;

  int64_t difference() const;  // sum of the sizes
};

class Reconciler {
 public:
  // Fails as Ledger::open() does, and with query.
  static Result<Reconciler> open(FileSystem& fs, const std::string& dir);
  Reconciler(Reconciler&&) noexcept = default;

  // Brings itself up to the newest commit. What it has counted it remembers by the file's size,
  // number and time of change, so that doing it again reads what is new. Cells are compared day by
  // day, the newest first, for at most `cells_us`, and gone on with the next time. Fails with what
  // kept it from counting; with io soon after `stop` has become true.
  Result<Reconciliation> reconcile(int64_t cells_us, const std::atomic<bool>& stop);

 private:
  Reconciler(FileSystem& fs, std::string dir, ledger::Ledger ledger, SqlEngine sql)
      : fs_(&fs), dir_(std::move(dir)), ledger_(std::move(ledger)), sql_(std::move(sql)) {}

  Status begin_afresh_after_retention();
  Result<int64_t> count_files(const std::vector<event::DataFile>& live,
                              const std::atomic<bool>& stop);
  Status count_batch(const std::vector<const event::DataFile*>& files);
  std::string count_statement(const std::vector<const event::DataFile*>& files) const;
  Status forget(const std::set<std::string>& paths);
  Status compare_files(const std::vector<event::DataFile>& live, Reconciliation& result) const;
  Status compare_sources(Reconciliation& result) const;
  Status compare_audit(Reconciliation& result) const;
  Status compare_money(Reconciliation& result) const;
  Status compare_cells(int64_t cells_us, const std::atomic<bool>& stop, Reconciliation& result);
  Result<std::map<std::string, ledger::Counts>> counted_rows() const;
  Result<std::map<std::string, ledger::Counts>> claimed(bool newer) const;

  FileSystem* fs_;
  std::string dir_;
  ledger::Ledger ledger_;
  SqlEngine sql_;           // with the tables `counted` and `audited`
  int64_t retention_ = -1;  // the commit of the newest retention when `counted` was begun; 0: none
  int64_t forgotten_ = 0;   // files, since the tables were made
  std::map<std::string, int64_t> gone_;            // accepted events in files that are gone
  std::map<std::string, ledger::Counts> earlier_;  // counts up to that commit
  std::map<std::string, std::string> signatures_;  // by path of a file in `counted`
  std::map<std::string, std::string> unreadable_;  // by path: why
  std::string warehouse_;                          // the signature of the one that is compared
  std::set<std::string> cell_days_;                // of it, to be compared
};

}  // namespace adweave::query
