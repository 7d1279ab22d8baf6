// SPDX-License-Identifier: Apache-2.0
#include "engine/count.h"

#include "base/time.h"
#include "engine/engine_test_support.h"

namespace adweave::engine {
namespace {

using process::EventCounts;
using process::EventGroup;

class CountTest : public EngineTest {
 protected:
  CountTest() { put_feeds(disk_, 40); }

  CountReport count_by(const process::CountBy& by, int threads = 1) {
    Job job = job_of();
    job.threads = threads;
    Result<CountReport> report = count(disk_, job, by, {});
    CHECK(report);
    return *std::move(report);
  }

  SimulatedDisk disk_;
};

TEST_F(CountTest, CountsEventsOfEachKindAndRejectsByReason) {
  const CountReport report = count_by({});
  const EventCounts expected = {
      {{0, Kind::impression, {}}, 40}, {{0, Kind::click, {}}, 14}, {{0, Kind::conversion, {}}, 10}};
  EXPECT_EQ(report.events, expected);
  EXPECT_EQ(report.records_read, 40 + 6 + 14 + 4 + 10);
  EXPECT_EQ(report.rejects, (std::map<event::Reason, int64_t>{{event::Reason::malformed, 10}}));
  EXPECT_FALSE(disk_.exists("/data"));
}

TEST_F(CountTest, WindowsAndFieldsSplitTheCount) {
  const CountReport report = count_by({{Field::campaign_id}, 600 * limits::kSecondUs});
  // Clicks come at minutes 1, 4, 7, ... of camp0 and camp1 by turns.
  const int64_t first = parse_iso_time("2023-11-01T08:00:00Z")->micros;
  EXPECT_EQ(report.events.at({first, Kind::click, {"camp0"}}), 2);
  EXPECT_EQ(report.events.at({first, Kind::click, {"camp1"}}), 1);
  EXPECT_EQ(report.events.at({first, Kind::impression, {std::nullopt}}), 20);
  int64_t events = 0;
  for (const auto& [group, number] : report.events) events += number;
  EXPECT_EQ(events, 64);
}

TEST_F(CountTest, AnyNumberOfThreadsCountsTheSame) {
  const process::CountBy by{{Field::creative_id, Field::campaign_id}, 60 * limits::kSecondUs};
  const CountReport one = count_by(by);
  EXPECT_GT(one.events.size(), 40U);
  EXPECT_EQ(count_by(by, 4).events, one.events);
}

// The events of a run without repeats are what was counted.
TEST_F(CountTest, ARunTakesOrDropsWhatWasCounted) {
  const RunReport run = must_run(disk_);
  int64_t received = 0;
  for (const ledger::Counts& counts : run.counts)
    received += counts.accepted + counts.duplicate + counts.conflict;
  int64_t events = 0;
  for (const auto& [group, number] : count_by({}).events) events += number;
  EXPECT_EQ(events, received);
}

TEST_F(CountTest, AFileThatIsMissingIsAnError) {
  Job job = job_of();
  job.sources[0].files = {"nothing.ndjson"};
  EXPECT_EQ(count(disk_, job, {}, {}).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace adweave::engine
