// SPDX-License-Identifier: Apache-2.0
// Feeds on a simulated disk and the job that reads them, for the tests of the engine.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/job.h"
#include "engine/ledger_text.h"
#include "ledger/writer.h"
#include "tests/support/simulated_disk.h"

namespace adweave::engine {

using event::Field;
using event::Kind;
using tests::SimulatedDisk;

inline constexpr int64_t kReceived = 1'698'850'000'000'000;

inline decode::FieldRule field(Field name, const char* path) {
  decode::FieldRule rule;
  rule.field = name;
  rule.from = {path};
  return rule;
}

inline SourceJob source(const char* name, decode::Format format, Kind kind, const char* file,
                        std::vector<decode::FieldRule> fields) {
  SourceJob job;
  job.decoder.source = name;
  job.decoder.format = format;
  decode::RowRule row;
  row.kind = kind;
  row.fields = std::move(fields);
  job.decoder.mapping.rows = {row};
  job.files = {file};
  job.mapping = "m1";
  return job;
}

inline Job job_of() {
  Job job;
  job.data = "/data";
  job.folder = "/in";
  job.configuration = "c1";
  job.holder = "first";
  job.program = "test";
  job.sources = {
      source("impressions", decode::Format::json, Kind::impression, "impressions*.ndjson",
             {field(Field::event_time, "t"), field(Field::user_id, "u"),
              field(Field::creative_id, "c")}),
      source("clicks", decode::Format::csv, Kind::click, "clicks*.csv",
             {field(Field::event_id, "id"), field(Field::event_time, "t"),
              field(Field::user_id, "u"), field(Field::campaign_id, "c")}),
      source("conversions", decode::Format::csv, Kind::conversion, "conversions*.csv",
             {field(Field::event_id, "id"), field(Field::event_time, "t"),
              field(Field::user_id, "u"), field(Field::conversion_type, "type"),
              field(Field::value, "value"), field(Field::currency, "cur")})};
  job.slice_bytes = 300;
  job.commit_bytes = 900;
  return job;
}

inline std::string time_of(int minute) {
  return fmt::format("2023-11-01T{:02}:{:02}:00Z", 8 + minute / 60, minute % 60);
}

// Rows with repeats, conflicts and rejects in every feed.
inline void put_feeds(SimulatedDisk& disk, int count) {
  std::string impressions;
  std::string clicks = "id,t,u,c\n";
  std::string conversions = "id,t,u,type,value,cur\n";
  for (int i = 0; i < count; ++i) {
    impressions +=
        fmt::format("{{\"t\":\"{}\",\"u\":\"u{}\",\"c\":\"k{}\"}}\n", time_of(i / 2), i % 5, i % 3);
    if (i % 7 == 0) impressions += "{broken\n";
    if (i % 3 == 0)
      clicks += fmt::format("c{},{},u{},camp{}\n", i / 6 * 6, time_of(i + 1), i % 5, i % 2);
    if (i % 11 == 0) clicks += "bad,row\n";
    if (i % 4 == 0)
      conversions += fmt::format("v{},{},u{},buy,{}.5,EUR\n", i, time_of(i + 3), i % 5, i);
  }
  disk.put("/in/impressions.ndjson", impressions, kReceived);
  disk.put("/in/clicks.csv", clicks, kReceived);
  disk.put("/in/conversions.csv", conversions, kReceived);
}

inline RunHooks hooks() {
  return {[] { return kReceived; }, {}, {}};
}

inline std::unique_ptr<ledger::LedgerWriter> writer_of(SimulatedDisk& disk, const char* holder) {
  Result<ledger::LedgerWriter> writer =
      ledger::LedgerWriter::open_existing(disk, {"/data", holder, "", "test", false});
  CHECK(writer);
  return std::make_unique<ledger::LedgerWriter>(*std::move(writer));
}

// A disk as it was before one step of a run.
struct Moment {
  std::unique_ptr<SimulatedDisk> disk;
  std::string step;
};

class EngineTest : public ::testing::Test {
 protected:
  static RunReport must_run(SimulatedDisk& disk, const Job& job = job_of()) {
    Result<RunReport> report = run(disk, job, hooks());
    if (!report) ADD_FAILURE() << report.error().message;
    CHECK(report);
    return *std::move(report);
  }
  static ledger::Ledger ledger_of(const SimulatedDisk& disk) {
    return *ledger::Ledger::open(disk, "/data");
  }
  static std::string text_of(const SimulatedDisk& disk) {
    const Result<std::string> text = ledger_text(disk, "/data");
    CHECK(text);
    return *text;
  }
};

// The lines of a text that begin with `prefix`.
inline std::string lines_of(const std::string& text, std::string_view prefix) {
  std::string lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin) + 1;
    if (text.substr(begin, prefix.size()) == prefix) lines += text.substr(begin, end - begin);
    begin = end;
  }
  return lines;
}

}  // namespace adweave::engine
