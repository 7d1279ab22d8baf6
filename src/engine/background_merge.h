// SPDX-License-Identifier: Apache-2.0
// seal and compact beside a server that goes on committing (engine/seal.h says what they are).
//
// A day is done in three steps: between two commits its files are noted and held; then, on the
// caller's thread, their rows are read, sorted and written while commits go on; between two other
// commits one record puts the new files in place. Rows that came to the day meanwhile stay in files
// of their own, and are sealed the next time. A kill leaves files that no record names, which the
// next epoch sweeps away.
//
// Thread-safe; one day is done at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/background_thread.h"
#include "base/limits.h"
#include "engine/live.h"
#include "engine/merge_days.h"
#include "ledger/progress.h"

namespace adweave::engine {

struct MergeHooks {
  std::function<int64_t()> now_us;
  std::function<void(const MergedDay&)> sealed;  // by begin(); on its thread
  std::function<void(const Error&)> trouble;     // with a day, which stops no other
};

class BackgroundMerge {
 public:
  // Both must outlive it.
  BackgroundMerge(FileSystem& fs, Live& live, MergeHooks hooks)
      : fs_(fs), live_(live), hooks_(std::move(hooks)) {}
  ~BackgroundMerge() { stop(); }
  BackgroundMerge(const BackgroundMerge&) = delete;
  BackgroundMerge& operator=(const BackgroundMerge&) = delete;

  // Every day that has been over for kSealAfterUs, with `all` every day. Fails with corrupt, and
  // with io, also when the server ends first; then the days before are done.
  Result<std::vector<MergedDay>> seal(bool all, int threads);
  // The files of each day and table that are not sealed.
  Result<std::vector<MergedDay>> compact(int threads);

  // Seals days by itself from now on, on a thread of low priority, until stop(): those that have
  // been over for `after_us`, once their oldest row that is not sealed was committed as long ago.
  // So rows that come late, or a history that is loaded, become a file for each such time and not
  // one for each look. A week after it removes what it has replaced, as `adweave vacuum` does.
  void begin(int64_t after_us);
  // One such look, on the caller's thread.
  void seal_due(int64_t after_us);
  // Gives up the day that is being done, if any, and does no other.
  void stop();

  ledger::SealProgress progress() const;

 private:
  // The day to do next, of the ledger as it is; none: all is done.
  using Choose = std::function<std::optional<DayToMerge>(const ledger::Ledger&)>;
  // What is to be done, and how what is written is to be called.
  struct Plan {
    DayToMerge day;
    lake::WriteOptions options;
  };

  Status step(Live::Work work);
  Result<std::vector<MergedDay>> merge_all(lake::MergedPlace place, int threads,
                                           const std::string& until);
  Result<std::optional<MergedDay>> merge_next(lake::MergedPlace place, int threads,
                                              const Choose& choose);
  Result<std::optional<Plan>> plan(const Choose& choose);
  Result<bool> put_in_place(WrittenDay& written);
  std::optional<DayToMerge> choose_due(const ledger::Ledger& ledger, int64_t after_us);
  int64_t committed_at(const ledger::Ledger& ledger, int64_t commit);
  void remove_replaced();
  void note_failure(const Error& error);

  FileSystem& fs_;
  Live& live_;
  MergeHooks hooks_;
  std::atomic<bool> is_stopping_ = false;

  std::mutex merging_;  // held while a day is done
  int64_t next_file_ = limits::kBesideFileNumber;

  // Of seal_due(); used by its caller, or in a step that it waits for.
  std::string due_;                          // the day that was chosen last
  std::map<std::string, int64_t> again_at_;  // days that failed, and when they are tried again
  std::map<int64_t, int64_t> committed_at_;  // times of commits
  int64_t removed_at_ = 0;                   // when it last removed what was replaced

  mutable std::mutex progress_mutex_;
  ledger::SealProgress progress_;
  std::unique_ptr<BackgroundThread> thread_;
};

}  // namespace adweave::engine
