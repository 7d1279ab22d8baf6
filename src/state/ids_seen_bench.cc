// SPDX-License-Identifier: Apache-2.0
// What deduplication costs an event: a find that misses and an insert, or a find that hits.
#include <benchmark/benchmark.h>

#include "base/check.h"
#include "state/ids_seen.h"

namespace adweave::state {
namespace {

Hash128 key_of(int64_t i) {
  return {static_cast<uint64_t>(i) * 0x9E3779B97F4A7C15U,
          hash64({reinterpret_cast<const char*>(&i), sizeof i})};
}

void insert_new(benchmark::State& bench) {
  for (auto _ : bench) {
    IdsSeen ids;
    for (int64_t i = 0; i < bench.range(0); ++i) {
      const Hash128 key = key_of(i);
      if (ids.find(key) == nullptr) ids.insert(key, {});
    }
    CHECK(ids.size() == bench.range(0));
  }
  bench.SetItemsProcessed(bench.iterations() * bench.range(0));
}
BENCHMARK(insert_new)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

void find_known(benchmark::State& bench) {
  IdsSeen ids;
  for (int64_t i = 0; i < bench.range(0); ++i) ids.insert(key_of(i), {});
  for (auto _ : bench) {
    for (int64_t i = 0; i < bench.range(0); ++i) CHECK(ids.find(key_of(i)) != nullptr);
  }
  bench.SetItemsProcessed(bench.iterations() * bench.range(0));
}
BENCHMARK(find_known)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace adweave::state
