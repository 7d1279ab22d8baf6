// SPDX-License-Identifier: Apache-2.0
#include "engine/seal.h"

#include "base/limits.h"
#include "engine/publish_delta.h"

namespace adweave::engine {

namespace {

using lake::MergedPlace;

class Upkeep {
 public:
  Upkeep(FileSystem& fs, const UpkeepOptions& options, ledger::LedgerWriter& writer,
         MergedPlace place)
      : fs_(fs), options_(options), writer_(writer), place_(place) {}

  // One commit a day. Other programs' view is brought up to date first: what it gets to see then
  // are the same rows in other files, and it is told so.
  Result<std::vector<MergedDay>> replace(const std::vector<DayToMerge>& days) {
    if (days.empty()) {
      ADWEAVE_TRY(publish());
      return std::vector<MergedDay>();
    }
    ADWEAVE_TRY(writer_.enter_epoch(options_.now_us()));
    ADWEAVE_TRY(publish());
    for (const DayToMerge& day : days) total_ += bytes_of(day);
    std::vector<MergedDay> done;
    for (const DayToMerge& day : days) {
      ADWEAVE_ASSIGN(MergedDay merged, replace_day(day));
      done.push_back(std::move(merged));
    }
    ADWEAVE_TRY(publish());
    return done;
  }

 private:
  Result<MergedDay> replace_day(const DayToMerge& day) {
    const lake::WriteOptions options{writer_.options().dir, writer_.epoch(),
                                     writer_.ledger().head() + 1, writer_.ledger().ledger_id(),
                                     writer_.options().program};
    ADWEAVE_ASSIGN(WrittenDay written, write_day(fs_, options, place_, options_.threads, day));
    written.record.committed_at = options_.now_us();
    ADWEAVE_TRY(writer_.append(std::move(written.record)));
    written.report.commit = writer_.ledger().head();
    done_ += written.report.bytes_before;
    if (options_.progress) options_.progress(done_, total_);
    return std::move(written.report);
  }

  Status publish() {
    const auto published =
        publish_delta(fs_, writer_.options().dir, writer_.ledger(), options_.now_us());
    return published ? Status() : Status(published.error());
  }

  FileSystem& fs_;
  const UpkeepOptions& options_;
  ledger::LedgerWriter& writer_;
  MergedPlace place_;
  int64_t done_ = 0;  // bytes
  int64_t total_ = 0;
};

}  // namespace

Result<std::vector<MergedDay>> seal(FileSystem& fs, ledger::LedgerWriter& writer, bool all,
                                    const UpkeepOptions& options) {
  std::vector<DayToMerge> days = unsealed_days(writer.ledger());
  const std::string from = open_from(options.now_us(), limits::kSealAfterUs);
  std::erase_if(days, [&](const DayToMerge& day) { return !all && day.date >= from; });
  return Upkeep(fs, options, writer, MergedPlace::sealed).replace(days);
}

Result<std::vector<MergedDay>> compact(FileSystem& fs, ledger::LedgerWriter& writer,
                                       const UpkeepOptions& options) {
  return Upkeep(fs, options, writer, MergedPlace::recent)
      .replace(uncompacted_days(writer.ledger()));
}

}  // namespace adweave::engine
