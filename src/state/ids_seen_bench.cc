// SPDX-License-Identifier: Apache-2.0
// What deduplication costs an event, and a start: 10 M ids in memory, and with most of them on
// disk; a snapshot of 10 M ids and 1 M touches. Counters: bytes of memory a key, fullness aside.
#include <chrono>
#include <filesystem>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "base/check.h"
#include "base/limits.h"
#include "state/snapshot.h"

namespace adweave::state {
namespace {

constexpr int64_t kKeys = 10'000'000;
constexpr int64_t kRowsAhead = 16;
constexpr int64_t kEventsPerPlace = 50'000;
constexpr int64_t kNoLimit = int64_t{1} << 60;

// The event i, of which every hundredth repeats an older one.
Hash128 key_of(int64_t i) {
  if (i % 100 == 99) i = i / 3 - i / 3 % 100;
  return {hash64({reinterpret_cast<const char*>(&i), sizeof i}, 1),
          hash64({reinterpret_cast<const char*>(&i), sizeof i}, 2)};
}

std::vector<Hash128> keys_of(int64_t begin, int64_t end) {
  std::vector<Hash128> keys;
  for (int64_t i = begin; i < end; ++i) keys.push_back(key_of(i));
  return keys;
}

// Deduplicates events as the sequencer does, and moves ids to disk as the engine does.
class Feed {
 public:
  explicit Feed(int64_t memory_max) : memory_max_(memory_max) {
    folder_ = std::filesystem::temp_directory_path() / ("ids_bench." + std::to_string(::getpid()));
    std::filesystem::create_directory(folder_);
  }
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;
  ~Feed() {
    end_move();
    std::filesystem::remove_all(folder_);
  }

  void take(const std::vector<Hash128>& keys) {
    for (size_t i = 0; i < keys.size(); ++i) {
      if (i + kRowsAhead < keys.size()) ids.prefetch(keys[i + kRowsAhead]);
      if (ids.find(keys[i])) continue;
      ids.insert(keys[i], {7, 1, static_cast<uint32_t>(events_ / kEventsPerPlace),
                           pack_position(events_++, -1)});
    }
    const bool full = ids.hot_bytes() > memory_max_ / 2;
    if (ids.is_moved() || (full && ids.is_moving())) CHECK(ids.end_move());
    if (full) ids.begin_move(*fs, folder_, "run" + std::to_string(events_), true);
  }
  void end_move() {
    if (ids.is_moving()) CHECK(ids.end_move());
  }
  const std::string& folder() const { return folder_; }

  IdsSeen ids;
  std::unique_ptr<FileSystem> fs = make_posix_file_system();

 private:
  int64_t memory_max_;
  int64_t events_ = 0;
  std::string folder_;
};

double per_key(const IdsSeen& ids) {
  return static_cast<double>(ids.memory_bytes() + ids.filter_bytes()) /
         static_cast<double>(ids.size());
}

// From none to 10 M ids, all costs of growth and of moving to disk included.
void grow(benchmark::State& bench, int64_t memory_max) {
  constexpr int64_t kStep = 200'000;
  double most = 0;
  for (auto _ : bench) {
    Feed feed(memory_max);
    for (int64_t i = 0; i < kKeys; i += kStep) {
      bench.PauseTiming();
      const std::vector<Hash128> keys = keys_of(i, i + kStep);
      bench.ResumeTiming();
      feed.take(keys);
      if (i > kKeys / 10) most = std::max(most, per_key(feed.ids));
    }
  }
  bench.counters["most_bytes_a_key"] = most;
  bench.SetItemsProcessed(bench.iterations() * kKeys);
}
BENCHMARK_CAPTURE(grow, in_memory, kNoLimit)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(grow, default_memory, limits::kIdsMemoryBytes)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(grow, tenth_in_memory, 32 * limits::kMiB)->Unit(benchmark::kMillisecond);

// One event more at 10 M ids.
void at_10m(benchmark::State& bench, int64_t memory_max) {
  constexpr int64_t kMore = 500'000;
  Feed feed(memory_max);
  for (int64_t i = 0; i < kKeys; i += kMore) feed.take(keys_of(i, i + kMore));
  int64_t next = kKeys;
  for (auto _ : bench) {
    bench.PauseTiming();
    const std::vector<Hash128> keys = keys_of(next, next + kMore);
    next += kMore;
    bench.ResumeTiming();
    feed.take(keys);
  }
  bench.counters["bytes_a_key"] = per_key(feed.ids);
  bench.SetItemsProcessed(bench.iterations() * kMore);
}
BENCHMARK_CAPTURE(at_10m, in_memory, kNoLimit)->Unit(benchmark::kMillisecond)->Iterations(4);
BENCHMARK_CAPTURE(at_10m, default_memory, limits::kIdsMemoryBytes)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(4);

// 10 M ids and 1 M touches of 400,000 persons to a file and back.
void snapshot(benchmark::State& bench, int64_t memory_max) {
  constexpr int64_t kTouches = 1'000'000;
  constexpr int64_t kPersons = 400'000;
  constexpr int64_t kStep = 200'000;
  Feed feed(memory_max);
  State state;
  for (int64_t i = 0; i < kKeys; i += kStep) feed.take(keys_of(i, i + kStep));
  feed.end_move();
  state.ids = std::move(feed.ids);
  StringPool& strings = state.journeys.strings();
  for (int64_t i = 0; i < kTouches; ++i) {
    Journey& journey = state.journeys.of(key_of(i % kPersons), "advertiser");
    Touch touch;
    touch.time = i;
    touch.event_id = strings.code_of("event-" + std::to_string(i));
    touch.campaign = strings.code_of("campaign-" + std::to_string(i % 50));
    state.journeys.add(journey, touch);
  }
  const std::string path = join_path(feed.folder(), "a.snapshot");
  const auto start = std::chrono::steady_clock::now();
  CHECK(replace_file(*feed.fs, path + ".new", path, to_snapshot(state, 7, "commit")));
  bench.counters["save_s"] =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (auto _ : bench) {
    const Result<std::string> bytes = read_file(*feed.fs, path, limits::kSnapshotBytesMax);
    CHECK(bytes);
    const auto read = from_snapshot(*bytes, "commit", feed.fs.get(), feed.folder()).state;
    CHECK(read != nullptr && read->ids.size() == state.ids.size());
    bench.counters["bytes"] = static_cast<double>(bytes->size());
  }
}
BENCHMARK_CAPTURE(snapshot, in_memory, kNoLimit)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(snapshot, default_memory, limits::kIdsMemoryBytes)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace adweave::state
