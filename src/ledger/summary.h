// SPDX-License-Identifier: Apache-2.0
// What all commits up to one amount to, so that a ledger opens without reading their records.
//
// `ledger/<number>.summary` keeps it, as one line of JSON that ends with its checksum as a record
// does. It is a cache: one that is missing, damaged or of another ledger is passed over, and the
// records are read instead.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "ledger/commit_record.h"

namespace adweave::ledger {

// A file that a seal or compact commit made superfluous. Readers that opened it before still may.
struct Superseded {
  std::string path;
  std::string kind;          // of the commit
  int64_t commit = 0;        // that replaced it
  int64_t committed_at = 0;  // of that commit, microseconds UTC
};

// A commit that closed days for bookings.
struct Closed {
  int64_t commit = 0;
  int64_t through = 0;  // start of the first open day, microseconds UTC
};

// A version of a dimension and the commit it came with.
struct CommittedDimension {
  int64_t commit = 0;
  DimensionVersion version;
};

// Days that a retention commit took away: those before `from`, in what was committed before it.
struct Retention {
  int64_t from = 0;    // start of the oldest retained day, microseconds UTC
  int64_t commit = 0;  // that said so
};

struct Summary {
  int64_t head = 0;          // the newest commit; 0 of an empty ledger
  std::string checksum;      // of its record
  std::string kind;          // of it
  int64_t committed_at = 0;  // of it, microseconds UTC
  int64_t epoch = 0;
  std::string ledger_id;
  std::vector<event::DataFile> live;  // by their newest commit
  std::vector<Superseded> superseded;
  std::map<std::string, int64_t> sealed_days;
  std::optional<Retention> retention;
  std::vector<SourcePosition> positions;  // the newest of each content, by their first commit
  std::vector<Counts> counts;             // by source, by their first commit
  std::vector<CommittedDimension> dimensions;
  std::vector<Closed> closed;
  std::vector<int64_t> replays;                 // numbers of the replay commits
  std::map<std::string, int64_t> rows_changed;  // by table: the newest commit that changed rows,
                                                // and did not only move them
  int64_t days_changed = 0;                     // the newest commit that changed sealed days
  std::map<std::string, std::string> heads;     // of files, in base64, by their hash

  // Takes in the record of the next commit.
  void add(const CommitRecord& record);
  // Whether the commit decoded rejects again.
  bool is_replay(int64_t commit) const;
  // Whether no other commit has replaced or taken away any of them: a file is replaced once, or its
  // rows would be there twice.
  bool are_live(const std::vector<ReplacedFile>& files) const;
  // Whether a retention commit took the file's whole day away.
  bool is_gone(const event::DataFile& file) const;

 private:
  friend Result<Summary> parse_summary(std::string_view bytes);
  void change_live_files(const CommitRecord& record);
  void keep_open_what_is_not_sealed(const CommitRecord& seal);
  void note_changed_rows(const CommitRecord& record);
  void add_position(const SourcePosition& position);

  std::unordered_map<std::string, size_t> contents_;  // "source/hash": place in `positions`
};

// Adds the counts to those of the same source.
void add_counts(std::vector<Counts>& totals, const std::vector<Counts>& counts);

// "ledger/00000000000000002049.summary"
std::string summary_path(int64_t head);

std::string to_bytes(const Summary& summary);

// Fails with corrupt or newer_format.
Result<Summary> parse_summary(std::string_view bytes);

}  // namespace adweave::ledger
