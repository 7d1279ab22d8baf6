// SPDX-License-Identifier: Apache-2.0
// How long a ledger takes to open after so many days of live commits, one every 250 ms: data of six
// tables, merged 16 by 16 on two levels, vacuumed an hour later.
#include <benchmark/benchmark.h>

#include "base/limits.h"
#include "ledger/writer.h"
#include "tests/support/simulated_disk.h"

namespace adweave::ledger {
namespace {

constexpr int64_t kCommitsADay = 86'400 * 4;
constexpr int64_t kCommitsAnHour = kCommitsADay / 24;
constexpr int64_t kMerged = 16;
constexpr const char* kTables[] = {"impressions", "clicks",  "conversions",
                                   "audit",       "rejects", "credits_log"};

class LiveLedger {
 public:
  explicit LiveLedger(tests::SimulatedDisk& disk)
      : writer_(*LedgerWriter::open(disk, {"/data", "bench", "ledger", "0", false})) {
    CHECK(writer_.begin_epoch(0));
  }

  void commit() {
    const int64_t number = writer_.ledger().head() + 1;
    CommitRecord record = record_of("data");
    record.positions = {{"events", "events.json", 1 << 30, std::string(32, 'a'), number * 1000,
                         number * 1000 + 1000, std::string(32, 'm'), 0}};
    record.counts = {{"events", 1000, 990, 5, 0, 5}};
    add_files(record, small_);
    CHECK(writer_.append(std::move(record)));
    if (small_.size() == kMerged) merge(small_, large_);
    if (large_.size() == kMerged) merge(large_, done_);
    done_.clear();
    if (number % 240 != 0 || number < kCommitsAnHour) return;
    CommitRecord vacuum = record_of("vacuum");
    vacuum.vacuumed = {{"compact", writer_.ledger().head() - kCommitsAnHour}};
    CHECK(writer_.append(std::move(vacuum)));
  }

 private:
  using Files = std::vector<std::vector<std::string>>;  // a commit's, by table

  CommitRecord record_of(const char* kind) {
    CommitRecord record;
    record.kind = kind;
    record.committed_at = writer_.ledger().head() * limits::kSecondUs / 4;
    return record;
  }

  void add_files(CommitRecord& record, Files& files) {
    const int64_t number = writer_.ledger().head() + 1;
    files.emplace_back();
    for (const char* table : kTables) {
      const std::string path = event::file_path(table, "2023-11-01", false, 1, number, 0);
      record.added.push_back({table, path, "2023-11-01", number, number, 1000, 20'000,
                              std::string(32, 'c'), 0, limits::kDayUs});
      files.back().push_back(path);
    }
  }

  void merge(Files& files, Files& merged) {
    CommitRecord record = record_of("compact");
    for (const auto& paths : files) {
      for (const std::string& path : paths) record.replaced.push_back({path});
    }
    add_files(record, merged);
    CHECK(writer_.append(std::move(record)));
    files.clear();
  }

  LedgerWriter writer_;
  Files small_;
  Files large_;
  Files done_;
};

void open_after_days(benchmark::State& state) {
  tests::SimulatedDisk disk;
  {
    LiveLedger live(disk);
    for (int64_t i = 0; i < kCommitsADay * state.range(0); ++i) live.commit();
  }
  for (auto _ : state) {
    const Result<Ledger> ledger = Ledger::open(disk, "/data");
    CHECK(ledger && ledger->head() > kCommitsADay * state.range(0));
    state.counters["commits"] = static_cast<double>(ledger->head());
    state.counters["live"] = static_cast<double>(ledger->summary().live.size());
    state.counters["superseded"] = static_cast<double>(ledger->superseded().size());
  }
}
BENCHMARK(open_after_days)->Arg(1)->Unit(benchmark::kMillisecond)->Iterations(5);

}  // namespace
}  // namespace adweave::ledger
