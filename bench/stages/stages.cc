// SPDX-License-Identifier: Apache-2.0
// Runs a part of the pipeline alone, with the shipped objects and a normal configuration:
//
//   adweave_stages decode CONFIG SOURCE        files -> batches; prints what is in the columns
//   adweave_stages write CONFIG SOURCE DIR     the same prepared, then only the writing is measured
//   adweave_stages kafka CONFIG SOURCE COUNT   so many messages of its topic -> slices
//
// One thread. Output: "rows N", then "<column> <values> <sum>" (of a text its length); for write
// "cpu_us N"; for kafka "rows N" (messages) and "bytes N" (of their values).
#include <filesystem>
#include <iostream>
#include <map>
#include <thread>

#include <sys/resource.h>

#include "app/config/config.h"
#include "base/allocator.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/money.h"
#include "engine/decode_files.h"
#include "engine/dimension_files.h"
#include "engine/kafka_feed.h"
#include "engine/schema_fetcher.h"
#include "lake/table_writer.h"
#include "process/prepare.h"

namespace adweave {
namespace {

struct Sum {
  int64_t values = 0;
  Int128 sum = 0;
};

std::string decimal(Int128 number) {
  std::string text;
  const bool negative = number < 0;
  do {
    const int digit = static_cast<int>(number % 10);
    text.insert(text.begin(), static_cast<char>('0' + (negative ? -digit : digit)));
    number /= 10;
  } while (number != 0);
  return negative ? "-" + text : text;
}

using Sums = std::map<std::string_view, Sum>;

template <class Value>
int64_t size_of(const Value& value) {
  if constexpr (std::is_convertible_v<Value, std::string_view>)
    return static_cast<int64_t>(std::string_view(value).size());
  else
    return static_cast<int64_t>(value);
}

void add(const event::Batch& batch, Sums& sums) {
  event::for_each_column(batch, [&](const event::FieldInfo& field, const auto& column) {
    if (column.size() == 0 || field.origin != event::Origin::Mapped) return;
    Sum& sum = sums[field.name];
    for (int64_t row = 0; row < column.size(); ++row) {
      if (!column.has(row)) continue;
      ++sum.values;
      sum.sum += size_of(column[row]);
    }
  });
}

int64_t cpu_us() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * int64_t{1'000'000} +
         used.ru_utime.tv_usec + used.ru_stime.tv_usec;
}

Status decode_only(const FileSystem& fs, const engine::Job& job) {
  int64_t rows = 0;
  Sums sums;
  const auto take = [&](size_t, const event::DecodedSlice& decoded) {
    for (const event::Batch& batch : decoded.batches) {
      rows += batch.rows;
      add(batch, sums);
    }
  };
  ADWEAVE_TRY(engine::decode_files(fs, job, take, {}));
  std::cout << "rows " << rows << "\n";
  for (const auto& [column, sum] : sums)
    std::cout << column << " " << sum.values << " " << decimal(sum.sum) << "\n";
  return {};
}

Status write_only(FileSystem& fs, const engine::Job& job, const std::string& dir) {
  ADWEAVE_ASSIGN(const auto dimension_files, engine::read_dimension_files(fs, job));
  process::PrepareRules rules;
  rules.zone = job.zone;
  ADWEAVE_ASSIGN(rules.dimensions, engine::load_dimensions(dimension_files));
  std::vector<process::PreparedSlice> slices;
  const auto take = [&](size_t, event::DecodedSlice decoded) {
    slices.push_back(process::prepare(std::move(decoded), rules));
  };
  ADWEAVE_TRY(engine::decode_files(fs, job, take, {}));
  std::vector<event::TableRows> parts;
  int64_t rows = 0;
  for (const process::PreparedSlice& slice : slices) {
    for (const event::Batch& batch : slice.decoded.batches) {
      if (batch.rows > 0) parts.push_back(event::table_rows(batch));
      rows += batch.rows;
    }
  }
  const int64_t before = cpu_us();
  ADWEAVE_TRY(lake::write_table(fs, {dir, 1, 1, "bench", "bench"}, parts));
  std::cout << "rows " << rows << "\ncpu_us " << cpu_us() - before << "\n";
  return {};
}

// Lines stand in a slice with a line end between them.
int64_t bytes_of(const event::Slice& slice, decode::Format format) {
  const size_t between =
      slice.pieces.empty() || format == decode::Format::avro ? 0 : slice.pieces.size() - 1;
  return static_cast<int64_t>(slice.bytes->size() - between);
}

Status kafka_only(FileSystem& fs, const engine::Job& job, int64_t count) {
  ADWEAVE_ASSIGN(const std::vector<engine::OpenSource> sources, engine::make_decoders(job));
  const auto report = [](const Error& error) { std::cerr << error.message << "\n"; };
  ADWEAVE_ASSIGN(const auto log,
                 source::KafkaLog::open(job.kafka, {*job.sources[0].kafka}, {}, report));
  ADWEAVE_ASSIGN(const auto paused, source::PausedSources::open(fs, job.folder));  // none
  engine::SchemaFetcher schemas(report, {});
  engine::KafkaFeed feed(job, sources, schemas, *log, *paused);
  int64_t messages = 0;
  int64_t bytes = 0;
  while (messages < count) {
    ADWEAVE_ASSIGN(const std::optional<engine::ReadSlice> read, feed.next());
    if (!read) {
      std::this_thread::sleep_for(std::chrono::microseconds(limits::kKafkaPatienceUs));
      continue;
    }
    messages += read->step.after - read->step.before;
    bytes += bytes_of(read->slice, job.sources[0].decoder.format);
  }
  std::cout << "rows " << messages << "\nbytes " << bytes << "\n";
  return {};
}

Status run(const std::vector<std::string>& words) {
  const std::unique_ptr<FileSystem> fs = make_posix_file_system();
  ADWEAVE_ASSIGN(app::Config config, app::load_config(*fs, words[1]));
  CHECK(config.problems.empty());
  engine::Job& job = config.job;
  std::erase_if(job.sources, [&](const auto& source) { return source.decoder.source != words[2]; });
  if (words[0] == "decode") return decode_only(*fs, job);
  if (words[0] == "kafka") return kafka_only(*fs, job, std::stoll(words.at(3)));
  return write_only(*fs, job, words.at(3));
}

}  // namespace
}  // namespace adweave

int main(int count, char** words) {
  if (count < 4) return 2;
  adweave::keep_freed_memory();
  const adweave::Status done = adweave::run({words + 1, words + count});
  if (!done) std::cerr << done.error().message << "\n";
  return done ? 0 : 1;
}
