// SPDX-License-Identifier: Apache-2.0
#include "engine/background_merge.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <string_view>
#include <utility>

#include "base/limits.h"
#include "engine/vacuum.h"

namespace adweave::engine {

namespace {

using lake::MergedPlace;

constexpr std::string_view kAllDays = "~";  // no day is as late

std::vector<ledger::ReplacedFile> files_of(const DayToMerge& day) {
  std::vector<ledger::ReplacedFile> files;
  for (const MergeGroup& group : day.groups) {
    for (const event::DataFile& file : group) files.push_back({file.path});
  }
  return files;
}

std::set<std::string> paths_of(const DayToMerge& day) {
  std::set<std::string> paths;
  for (const ledger::ReplacedFile& file : files_of(day)) paths.insert(file.path);
  return paths;
}

int64_t first_commit_of(const DayToMerge& day) {
  int64_t first = day.groups.front().front().first_commit;
  for (const MergeGroup& group : day.groups) {
    for (const event::DataFile& file : group) first = std::min(first, file.first_commit);
  }
  return first;
}

}  // namespace

// After a failure the server has ended.
Status BackgroundMerge::step(Live::Work work) {
  const Status done = live_.step(std::move(work));
  if (!done) is_stopping_ = true;
  return done;
}

// Notes a day's files and holds them; none: nothing is to be done.
Result<std::optional<BackgroundMerge::Plan>> BackgroundMerge::plan(const Choose& choose) {
  std::optional<Plan> plan;
  ADWEAVE_TRY(step([&](ledger::LedgerWriter& writer) {
    std::optional<DayToMerge> day = choose(writer.ledger());
    if (!day) return Status();
    writer.hold(paths_of(*day));
    plan = Plan{*std::move(day),
                {writer.options().dir, writer.epoch(), writer.ledger().head() + 1,
                 writer.ledger().ledger_id(), writer.options().program, next_file_, &is_stopping_}};
    return Status();
  }));
  if (plan) next_file_ += static_cast<int64_t>(plan->day.groups.size());
  return plan;
}

// False: a commit has taken some of the files away meanwhile.
Result<bool> BackgroundMerge::put_in_place(WrittenDay& written) {
  bool is_done = false;
  ADWEAVE_TRY(step([&](ledger::LedgerWriter& writer) {
    writer.release();
    is_done = writer.ledger().summary().are_live(written.record.replaced);
    if (!is_done) return Status();
    written.record.committed_at = hooks_.now_us();
    written.report.commit = writer.ledger().head() + 1;
    return writer.append(written.record);
  }));
  return is_done;
}

// The day that was chosen, once it is done; none: there was none to choose.
Result<std::optional<MergedDay>> BackgroundMerge::merge_next(MergedPlace place, int threads,
                                                             const Choose& choose) {
  const std::lock_guard guard(merging_);
  while (true) {
    ADWEAVE_ASSIGN(const std::optional<Plan> plan, this->plan(choose));
    if (!plan) return std::optional<MergedDay>();
    Result<WrittenDay> written = write_day(fs_, plan->options, place, threads, plan->day);
    if (!written) {
      bool are_live = true;
      ADWEAVE_TRY(step([&](ledger::LedgerWriter& writer) {
        writer.release();
        are_live = writer.ledger().summary().are_live(files_of(plan->day));
        return Status();
      }));
      if (are_live) return std::move(written).error();
      continue;
    }
    ADWEAVE_ASSIGN(const bool is_done, put_in_place(*written));
    if (is_done) return std::optional(std::move(written->report));
    discard(fs_, plan->options.dir, *written);
  }
}

// Each day before `until` once.
Result<std::vector<MergedDay>> BackgroundMerge::merge_all(MergedPlace place, int threads,
                                                          const std::string& until) {
  std::vector<MergedDay> done;
  const Choose next = [&](const ledger::Ledger& ledger) -> std::optional<DayToMerge> {
    auto days = place == MergedPlace::sealed ? unsealed_days(ledger) : uncompacted_days(ledger);
    for (DayToMerge& day : days) {
      const bool is_new = done.empty() || day.date > done.back().date;
      if (is_new && day.date < until) return std::move(day);
    }
    return std::nullopt;
  };
  while (true) {
    ADWEAVE_ASSIGN(std::optional<MergedDay> day, merge_next(place, threads, next));
    if (!day) return done;
    done.push_back(*std::move(day));
  }
}

Result<std::vector<MergedDay>> BackgroundMerge::seal(bool all, int threads) {
  const std::string until = open_from(hooks_.now_us(), limits::kSealAfterUs);
  return merge_all(MergedPlace::sealed, threads, all ? std::string(kAllDays) : until);
}

Result<std::vector<MergedDay>> BackgroundMerge::compact(int threads) {
  return merge_all(MergedPlace::recent, threads, std::string(kAllDays));
}

void BackgroundMerge::begin(int64_t after_us) {
  const int64_t every = std::clamp(after_us, limits::kLivePatienceUs, limits::kSealCheckUs);
  thread_ = std::make_unique<BackgroundThread>(every, [this, after_us] { seal_due(after_us); });
}

void BackgroundMerge::stop() {
  is_stopping_ = true;
  thread_.reset();
}

void BackgroundMerge::seal_due(int64_t after_us) {
  while (!is_stopping_) {
    const auto begin = std::chrono::steady_clock::now();
    const auto day = merge_next(MergedPlace::sealed, 1, [&](const ledger::Ledger& ledger) {
      return choose_due(ledger, after_us);
    });
    if (is_stopping_) return;
    if (!day) {
      note_failure(day.error());
    } else if (*day) {
      const auto passed = std::chrono::steady_clock::now() - begin;
      {
        const std::lock_guard guard(progress_mutex_);
        ++progress_.sealed;
        --progress_.waiting;
        progress_.duration_us =
            std::chrono::duration_cast<std::chrono::microseconds>(passed).count();
      }
      again_at_.erase(due_);
      hooks_.sealed(**day);
    } else {
      return remove_replaced();
    }
  }
}

std::optional<DayToMerge> BackgroundMerge::choose_due(const ledger::Ledger& ledger,
                                                      int64_t after_us) {
  const int64_t now = hooks_.now_us();
  const std::string from = open_from(now, after_us);
  std::vector<DayToMerge> days = unsealed_days(ledger);
  std::erase_if(days, [&](const DayToMerge& day) {
    return day.date >= from || committed_at(ledger, first_commit_of(day)) > now - after_us;
  });
  {
    const std::lock_guard guard(progress_mutex_);
    progress_.waiting = static_cast<int64_t>(days.size());
  }
  for (DayToMerge& day : days) {
    const auto again = again_at_.find(day.date);
    if (again != again_at_.end() && again->second > now) continue;
    due_ = day.date;
    return std::move(day);
  }
  return std::nullopt;
}

// When that was committed; long ago, if its record cannot be read.
int64_t BackgroundMerge::committed_at(const ledger::Ledger& ledger, int64_t commit) {
  const auto known = committed_at_.find(commit);
  if (known != committed_at_.end()) return known->second;
  const Result<ledger::CommitRecord> record = ledger.record(commit);
  return committed_at_[commit] = record ? record->committed_at : 0;
}

// Files that seals have replaced and that nobody can be reading any more.
void BackgroundMerge::remove_replaced() {
  const int64_t now = hooks_.now_us();
  if (now - removed_at_ < limits::kSealRetryUs) return;
  removed_at_ = now;
  bool is_due = false;
  const Status looked = step([&](ledger::LedgerWriter& writer) {
    for (const ledger::Superseded& file : writer.ledger().superseded())
      is_due |= file.kind == "seal" && file.committed_at <= now - limits::kVacuumGraceUs;
    return Status();
  });
  if (!looked || !is_due) return;
  static_cast<void>(live_.ask([&](ledger::LedgerWriter& writer) {
    const auto removed = vacuum(fs_, writer, limits::kVacuumGraceUs, now, false);
    if (removed) return Status();
    if (removed.error().code != ErrorCode::corrupt) return Status(removed.error());
    note_failure(removed.error());  // a Delta log is damaged; nothing was removed
    return Status();
  }));
}

void BackgroundMerge::note_failure(const Error& error) {
  again_at_[due_] = hooks_.now_us() + limits::kSealRetryUs;
  {
    const std::lock_guard guard(progress_mutex_);
    ++progress_.failures;
  }
  hooks_.trouble(error);
}

ledger::SealProgress BackgroundMerge::progress() const {
  const std::lock_guard guard(progress_mutex_);
  return progress_;
}

}  // namespace adweave::engine
