// SPDX-License-Identifier: Apache-2.0
// How many deliveries of 300 bytes a second become durable on the disk of the temporary folder, by
// how many wait at a time; and how fast a journal is read and opened.
#include <filesystem>
#include <semaphore>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "source/journal.h"

namespace adweave::source {
namespace {

constexpr size_t kBodyBytes = 300;

class Folder {
 public:
  Folder()
      : path_(std::filesystem::temp_directory_path() /
              ("journal_bench." + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::unique_ptr<Journal> open(JournalPosition committed = {}) {
    Result<std::unique_ptr<Journal>> journal = Journal::open(*fs_, path_, {.committed = committed});
    CHECK(journal);
    return *std::move(journal);
  }

 private:
  std::string path_;
  std::unique_ptr<FileSystem> fs_ = make_posix_file_system();
};

Delivery delivery(int64_t n, size_t body_bytes = kBodyBytes) {
  return {"events", std::to_string(n), n, std::string(body_bytes, static_cast<char>(n))};
}

// Appends so many, of which `waiting` at most are not yet durable.
void append(Journal& journal, int64_t first, int64_t count, std::ptrdiff_t waiting,
            size_t body_bytes = kBodyBytes) {
  std::counting_semaphore<> free(waiting);
  for (int64_t n = first; n < first + count; ++n) {
    free.acquire();
    journal.append(delivery(n, body_bytes), [&](const Result<JournalPosition>& done) {
      CHECK(done);
      free.release();
    });
  }
  for (std::ptrdiff_t i = 0; i < waiting; ++i) free.acquire();
}

int64_t read_all(const Journal& journal) {
  JournalReader reader = journal.reader({});
  int64_t count = 0;
  while (true) {
    const Result<std::optional<JournalEntry>> entry = reader.next();
    CHECK(entry);
    if (!*entry) return count;
    CHECK((*entry)->delivery == delivery(count));
    ++count;
  }
}

void append_durably(benchmark::State& state) {
  Folder folder;
  const std::unique_ptr<Journal> journal = folder.open();
  const int64_t step = state.range(0) * 20;
  int64_t count = 0;
  for (auto _ : state) {
    append(*journal, count, step, state.range(0));
    count += step;
  }
  CHECK(read_all(*journal) == count);
  state.SetItemsProcessed(count);
}
BENCHMARK(append_durably)->Arg(1)->Arg(64)->Arg(1024)->Arg(16384)->UseRealTime();

void read(benchmark::State& state) {
  constexpr int64_t kCount = 200'000;
  Folder folder;
  const std::unique_ptr<Journal> journal = folder.open();
  append(*journal, 0, kCount, 16384);
  for (auto _ : state) CHECK(read_all(*journal) == kCount);
  state.SetItemsProcessed(state.iterations() * kCount);
}
BENCHMARK(read)->Unit(benchmark::kMillisecond);

// A start after all is committed: the journal is opened, and whoever knows the ids of deliveries
// reads them. Of so many MiB, in deliveries of 30 kB, plain or archived.
void open(benchmark::State& state) {
  constexpr size_t kLargeBodyBytes = 30'000;
  const int64_t count = state.range(0) * limits::kMiB / static_cast<int64_t>(kLargeBodyBytes);
  const bool is_archived = state.range(1) != 0;
  Folder folder;
  JournalPosition end;
  {
    const std::unique_ptr<Journal> journal = folder.open();
    append(*journal, 0, count, 1024, kLargeBodyBytes);
    end = journal->end();
    CHECK(journal->release(journal->end(), 0));
    while (is_archived && *journal->archive_next()) continue;
  }
  int64_t named = 0;
  for (auto _ : state) {
    const std::unique_ptr<Journal> journal = folder.open(end);
    CHECK(journal->each_named([&](const NamedDelivery&) { ++named; }));
  }
  CHECK(named == state.iterations() * count);
}
BENCHMARK(open)
    ->ArgNames({"MiB", "archived"})
    ->Args({512, 0})
    ->Args({512, 1})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void checksum(benchmark::State& state) {
  const std::string bytes(static_cast<size_t>(state.range(0)), 'x');
  const uint32_t expected = crc32c_portable(bytes);
  for (auto _ : state) CHECK(crc32c(bytes) == expected);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(checksum)->Arg(kBodyBytes)->Arg(1 << 20);

}  // namespace
}  // namespace adweave::source
