// SPDX-License-Identifier: Apache-2.0
// The one writer of a data folder. Call order: open, begin_epoch, then append any number of times.
//
// Why a writer that was taken over can do no harm: every append() links its record to the next
// number, and link() never replaces. The new writer has linked an epoch record first, so the old
// one loses, reads the winner, sees the higher epoch and gets ErrorCode::fenced. Row files carry
// the epoch in their name and are created exclusively; only begin_epoch() deletes, and only files
// of epochs before its own that no record names.
//
// Used by one thread.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "base/file_system.h"
#include "ledger/ledger.h"

namespace adweave::ledger {

struct WriterOptions {
  std::string dir;
  std::string holder;  // who asks: "process 12 on host a since 2023-11-01T10:00:00Z"; differs for
                       // each process
  std::string ledger_id;  // of a folder that is made now
  std::string program;    // version
  bool take_over = false;
};

class LedgerWriter {
 public:
  // Makes the folder where it is missing, takes the lock, reads the ledger. Fails with locked when
  // another has it.
  static Result<LedgerWriter> open(FileSystem& fs, WriterOptions options);
  // The same of a folder that must be there; fails with not_found.
  static Result<LedgerWriter> open_existing(FileSystem& fs, WriterOptions options);

  const Ledger& ledger() const { return ledger_; }
  const WriterOptions& options() const { return options_; }
  int64_t epoch() const { return epoch_; }

  // Fails with fenced once another has taken the folder over. When it does not, what was synced
  // before the call is there for whoever takes over. Any thread.
  Status check_lock() const;

  // Commits an epoch record, then sweeps away what older epochs left unfinished. The ledger may
  // have grown by a last commit of the writer that was taken over: read it afresh. `now` is
  // microseconds UTC.
  Status begin_epoch(int64_t now);
  // The same, unless this writer has begun one.
  Status enter_epoch(int64_t now) { return has_begun_ ? Status() : begin_epoch(now); }

  // The commit point. Now and then it also packs the records (ledger/records.h). Fills in number,
  // previous, epoch, ledger_id, program, schema. Everything that the record names must be synced,
  // and what it replaces be live.
  // Fails with fenced when another writer has begun; any failure means: stop this process.
  Status append(CommitRecord record);

  // Files that work beside the commits is about to replace: until release() nothing else may. In
  // memory alone.
  void hold(std::set<std::string> paths) { held_ = std::move(paths); }
  void release() { held_.clear(); }
  bool is_held(const std::string& path) const { return held_.contains(path); }

  // Removes what older epochs left behind and no record names, and the files whose days a retention
  // commit took away. begin_epoch() does it too, so a kill in the middle leaves nothing for good.
  Status sweep();

 private:
  LedgerWriter(FileSystem& fs, WriterOptions options) : fs_(&fs), options_(std::move(options)) {}

  Status link_record(CommitRecord& record);
  Status sweep_days(const std::string& folder, const std::set<std::string>& named);
  Status sweep_day(const std::string& folder, const std::set<std::string>& named);
  std::string temporary_path(int64_t number) const;
  Status pack();
  Error lost_link(int64_t number) const;

  FileSystem* fs_;
  WriterOptions options_;
  std::unique_ptr<Lock> lock_;
  Ledger ledger_;
  int64_t epoch_ = 0;
  bool has_begun_ = false;      // it
  std::set<std::string> held_;  // paths
};

}  // namespace adweave::ledger
