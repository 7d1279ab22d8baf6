// SPDX-License-Identifier: Apache-2.0
// The ledger of a data folder as a reader sees it: the commit records, checked. No lock is needed:
// records never change, and a record is there whole or not at all. It keeps the file system that it
// was opened with, to read old records.
//
//   ADWEAVE_ASSIGN(Ledger ledger, Ledger::open(fs, "/data"));
//   for (const event::DataFile& file : ledger.live_files("clicks", ledger.head())) ...
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "ledger/commit_record.h"
#include "ledger/summary.h"

namespace adweave::ledger {

class Ledger {
 public:
  Ledger() = default;  // empty, of no folder
  // Fails with not_found (no data folder), newer_format or corrupt. Every record that is not packed
  // is read and the chain checked; those before the newest summary when they are asked for.
  static Result<Ledger> open(const FileSystem& fs, const std::string& dir);

  // Number of the newest commit; 0 of an empty ledger.
  int64_t head() const { return summary_.head; }
  const std::string& head_checksum() const { return summary_.checksum; }
  // What all commits up to head() amount to.
  const Summary& summary() const { return summary_; }
  int64_t epoch() const { return summary_.epoch; }
  const std::string& ledger_id() const { return summary_.ledger_id; }

  // Record `number`, from 1 to head(). Those that came since the ledger was opened are in memory;
  // of others a file is read, a pack of some megabytes if they are packed. Fails as open() does.
  Result<CommitRecord> record(int64_t number) const;
  // Of that record.
  Result<std::string> checksum_of(int64_t number) const;
  // Visits the records `first` to `last`, in their order.
  Status visit_records(int64_t first, int64_t last,
                       const std::function<Status(const CommitRecord&)>& visit) const;

  // The newest retention commit; none: all days are retained.
  const std::optional<Retention>& retention() const { return summary_.retention; }
  // Event rows in files that are gone, by the source that counted them, of the commits up to
  // `as_of`. Reads all records up to the retention commit.
  Result<std::map<std::string, int64_t>> gone_rows(int64_t as_of) const;

  // Start of the first day that is still open for bookings, microseconds UTC; none: every day is.
  std::optional<int64_t> closed_through(int64_t as_of) const;
  std::optional<int64_t> closed_through() const { return closed_through(head()); }

  // The head of a file of which the commit rejected records; none when none was kept.
  Result<std::optional<std::string>> file_head(int64_t commit, std::string_view source,
                                               std::string_view file) const;
  bool has_file_head(const std::string& hash) const { return summary_.heads.contains(hash); }

  // Files of a table ("" is every table) with rows as of a commit, in the order of their newest
  // commit. What replaced a file stands in its place, so a file may hold later rows too: those with
  // `commit` > as_of. Files that are gone by now are left out.
  std::vector<event::DataFile> live_files(std::string_view table, int64_t as_of) const;
  // Files that are not live any more, in the order of the commits that replaced them, and that no
  // vacuum commit has called removed.
  const std::vector<Superseded>& superseded() const { return summary_.superseded; }
  // Days with sealed files, and the commit through which all their rows are in sealed files.
  const std::map<std::string, int64_t>& sealed_days() const { return summary_.sealed_days; }

  // The newest position of every file content of a source, in the order of their first commit.
  std::vector<SourcePosition> positions(std::string_view source) const;

  // Conservation counts by source as of a commit, in the order of the sources' first commit. Reads
  // all records up to it, unless it is the newest.
  Result<std::vector<Counts>> counts(int64_t as_of) const;

  // The newest version of each dimension as of a commit, by name.
  std::map<std::string, DimensionVersion> dimensions(int64_t as_of) const;

  // Reads the records after head() that have been committed since.
  Status reload();

  // For the writer: takes a record that has just been put in place.
  void append(CommitRecord record);

 private:
  Ledger(const FileSystem& fs, std::string dir) : fs_(&fs), dir_(std::move(dir)) {}
  void take_summary();

  const FileSystem* fs_ = nullptr;
  std::string dir_;
  Summary summary_;
  std::deque<CommitRecord> recent_;  // up to head()
};

// Reads all records up to `head` again. Numbers of the summaries that are not what they amount to.
// Fails with corrupt, naming the record that is missing, torn or altered.
Result<std::vector<int64_t>> false_summaries(const FileSystem& fs, const std::string& dir,
                                             int64_t head);

// What `verify` found.
struct Verification {
  int64_t commits = 0;
  int64_t files = 0;
  int64_t bytes = 0;
  std::vector<std::string> problems;  // what, where; empty: all is well
};

// Reads all records, and checks that every live file and dimension file exists with its size and
// checksum. `progress(done, total)` in bytes; may be empty.
Verification verify_files(const FileSystem& fs, const std::string& dir, const Ledger& ledger,
                          const std::function<void(int64_t, int64_t)>& progress);

}  // namespace adweave::ledger
