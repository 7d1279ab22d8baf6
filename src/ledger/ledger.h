// SPDX-License-Identifier: Apache-2.0
// The ledger of a data folder as a reader sees it: every commit record, checked. No lock is needed:
// records never change, and a record is there whole or not at all.
//
//   ADWEAVE_ASSIGN(Ledger ledger, Ledger::open(fs, "/data"));
//   for (const event::DataFile& file : ledger.live_files("clicks", ledger.head())) ...
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "ledger/commit_record.h"

namespace adweave::ledger {

// Days that a retention commit took away: those before `from`, in what was committed before it.
struct Retention {
  int64_t from = 0;    // start of the oldest retained day, microseconds UTC
  int64_t commit = 0;  // that said so
};

// A file that a seal or compact commit made superfluous. Readers that opened it before still may.
struct Superseded {
  std::string path;
  int64_t commit = 0;        // that replaced it
  int64_t committed_at = 0;  // of that commit, microseconds UTC
};

class Ledger {
 public:
  // Reads every record of `dir` and checks the chain. Fails with not_found (no data folder),
  // newer_format or corrupt.
  static Result<Ledger> open(const FileSystem& fs, const std::string& dir);

  const std::vector<CommitRecord>& records() const { return records_; }
  // Number of the newest commit; 0 of an empty ledger.
  int64_t head() const { return static_cast<int64_t>(records_.size()); }
  int64_t epoch() const { return records_.empty() ? 0 : records_.back().epoch; }
  std::string head_checksum() const { return records_.empty() ? "" : records_.back().checksum; }
  const std::string& ledger_id() const { return ledger_id_; }

  // The newest retention commit; none: all days are retained.
  const std::optional<Retention>& retention() const { return retention_; }
  // Whether a retention commit took the file's whole day away.
  bool is_gone(const event::DataFile& file) const;
  // Event rows in files that are gone, by the source that counted them, of the commits up to
  // `as_of`.
  std::map<std::string, int64_t> gone_rows(int64_t as_of) const;

  // Start of the first day that is still open for bookings, microseconds UTC; none: every day is.
  std::optional<int64_t> closed_through(int64_t as_of) const;
  std::optional<int64_t> closed_through() const { return closed_through(head()); }

  // The head of a file of which the commit rejected records; null when none was kept.
  const std::string* file_head(int64_t commit, std::string_view source,
                               std::string_view file) const;
  bool has_file_head(const std::string& hash) const { return file_heads_.contains(hash); }

  // Files of a table ("" is every table) with rows as of a commit, in the order of their newest
  // commit. What replaced a file stands in its place, so a file may hold later rows too: those with
  // `commit` > as_of. Files that are gone by now are left out.
  std::vector<event::DataFile> live_files(std::string_view table, int64_t as_of) const;
  // Files that are not live any more, in the order of the commits that replaced them; whether they
  // are still there is for vacuum to know.
  const std::vector<Superseded>& superseded() const { return superseded_; }
  // Sealed days and the commit through which all their rows are in sealed files.
  const std::map<std::string, int64_t>& sealed_days() const { return sealed_days_; }

  // The newest position of every file content of a source, in the order of their first commit.
  std::vector<SourcePosition> positions(std::string_view source) const;

  // Conservation counts by source as of a commit, in the order of the sources' first commit.
  std::vector<Counts> counts(int64_t as_of) const;

  // The newest version of each dimension as of a commit, by name.
  std::map<std::string, DimensionVersion> dimensions(int64_t as_of) const;

  // Reads the records after head() that have been committed since.
  Status reload(const FileSystem& fs, const std::string& dir);

  // For the writer: takes a record that has just been put in place.
  void append(CommitRecord record);

 private:
  void change_live_files(const CommitRecord& record);
  void forget_days_before(const std::string& day);

  std::string ledger_id_;
  std::vector<CommitRecord> records_;
  std::vector<event::DataFile> live_;  // by their newest commit
  std::vector<Superseded> superseded_;
  std::map<std::string, int64_t> sealed_days_;
  std::optional<Retention> retention_;
  std::map<std::string, std::string> file_heads_;  // by hash
};

// What `verify` found.
struct Verification {
  int64_t commits = 0;
  int64_t files = 0;
  int64_t bytes = 0;
  std::vector<std::string> problems;  // what, where; empty: all is well
};

// Checks that every file that a record names exists with its size and checksum. `progress(done,
// total)` in bytes; may be empty.
Verification verify_files(const FileSystem& fs, const std::string& dir, const Ledger& ledger,
                          const std::function<void(int64_t, int64_t)>& progress);

}  // namespace adweave::ledger
