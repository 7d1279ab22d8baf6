// SPDX-License-Identifier: Apache-2.0
#include "engine/live.h"

#include <condition_variable>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "engine/live_test_support.h"

namespace adweave::engine {
namespace {

TEST(LiveTest, WhatIsCommittedIsArchived) {
  SimulatedDisk disk;
  const std::string first = "/data/journal/journal-00000000000000000001.log";
  Job job = live_job();
  job.raw_kept_us = kReceived;   // nothing is as old
  for (int i = 0; i < 3; ++i) {  // each begins a segment
    LiveServer server(disk, job);
    server.deliver(impressions(i, 1));
    server.settle();
    if (i == 2) server.wait_for([&] { return !disk.exists(first); });
  }
  EXPECT_TRUE(disk.exists(first + ".zst"));
}

TEST(LiveTest, WhatIsDeliveredIsCommittedAndTold) {
  SimulatedDisk disk;
  LiveServer server(disk, live_job());
  server.deliver(impressions(0, 3));
  const source::JournalPosition bad =
      server.deliver({"clicks", "b", kReceived, "id,t\nc1,never\n"});
  server.deliver(impressions(2, 2));
  server.settle();
  ASSERT_TRUE(server.stop());
  ledger::DeliveryOutcome all;
  for (const ledger::CommitOutcome& commit : server.commits()) {
    for (const ledger::DeliveryOutcome& outcome : commit.deliveries) {
      all.accepted += outcome.accepted;
      all.duplicate += outcome.duplicate;
      all.rejected += outcome.rejected;
      if (outcome.segment != bad.segment || outcome.offset != bad.offset) continue;
      ASSERT_EQ(outcome.errors.size(), 1U);
      EXPECT_EQ(outcome.errors[0].find(fmt::format("journal:{}:{}:5: ", bad.segment, bad.offset)),
                0U)
          << outcome.errors[0];
    }
  }
  EXPECT_EQ(all.accepted, 4);
  EXPECT_EQ(all.duplicate, 1);
  EXPECT_EQ(all.rejected, 1);
  EXPECT_EQ(ids_of(disk, "impressions"), (std::multiset<std::string>{"i0", "i1", "i2", "i3"}));
}

// Deliveries on a disk whose server is not yet started.
void put_journal(SimulatedDisk& disk, const std::vector<source::Delivery>& deliveries) {
  const Result<std::unique_ptr<source::Journal>> journal =
      source::Journal::open(disk, "/data/journal");
  ASSERT_TRUE(journal);
  for (const source::Delivery& delivery : deliveries) {
    (*journal)->append(delivery, [](const Result<source::JournalPosition>& kept) {
      ASSERT_TRUE(kept) << kept.error().message;
    });
  }
}

// Everything that came of the journal: rows, and what senders are told.
std::string outcome_of(SimulatedDisk& disk, const Job& job, size_t& commits) {
  LiveServer server(disk, job);
  server.settle();
  EXPECT_TRUE(server.stop());
  const std::string all = *ledger_text(disk, "/data");
  std::string text;
  for (const char* table : {"impressions:", "clicks:", "rejects:", "duplicates:"})
    text += lines_of(all, table);
  for (const ledger::CommitOutcome& commit : server.commits()) {
    for (const ledger::DeliveryOutcome& each : commit.deliveries) {
      text +=
          fmt::format("told {}:{} {} {} {} {} {}\n", each.segment, each.offset, each.accepted,
                      each.duplicate, each.conflict, each.rejected, fmt::join(each.errors, "; "));
    }
  }
  commits = server.commits().size();
  return text;
}

// Deliveries that wait together are decoded together; each has its own positions, receipt, ids and
// counts all the same, and what is broken in one does not reach the next.
TEST(LiveTest, DeliveriesThatAreReadTogetherStayApart) {
  Job job = live_job();
  job.sources[0].decoder.mapping.rows[0].fields[0].from_receipt = true;  // of event_time
  job.sources[0].decoder.mapping.rows[0].fields.back().missing = decode::Missing::null;
  std::vector<source::Delivery> deliveries;
  const std::vector<std::string> bodies = {
      "{\"u\":\"a\",\"c\":\"k\"}",    // no id, no line end
      "{\"u\":\"a\",\"c\":\"k\"}\n",  // the same once more: two events
      "{\"u\":\"a\",\"c\":\"k\"}\r\n\r\n{\"u\":\"a\",\"c\":\"k\"}\n\n",  // twice, of which one is
                                                                         // flagged
      "{\"id\":\"open",                                                  // not closed
      "\"}",
      "{\"c\":\"k\",\"id\":\"i1\",\"u\":\"b\"}\nbroken\n{\"c\":\"k\",\"id\":\"i2\"}",
      "\n",
      "{\"c\":\"k\",\"id\":\"i1\",\"u\":\"other\"}",
      "\xEF\xBB\xBF{\"c\":\"k\",\"id\":\"marked\"}\n",  // read by itself
      "{\"c\":\"k\",\"id\":\"i2\"}\n{\"c\":\"k\",\"id\":\"i3\"}",
  };
  for (size_t i = 0; i < bodies.size(); ++i) {
    const int64_t received = kReceived + static_cast<int64_t>(i) * limits::kSecondUs;
    deliveries.push_back({"impressions", fmt::format("b{}", i), received, bodies[i]});
    if (i % 3 == 0) deliveries.push_back(clicks(static_cast<int>(i), 2));
  }
  SimulatedDisk disk;
  put_journal(disk, deliveries);
  const std::unique_ptr<SimulatedDisk> same = disk.after_kill();
  size_t commits = 0;
  size_t commits_together = 0;
  job.slice_bytes = 1;
  job.commit_bytes = 1;
  const std::string one_by_one = outcome_of(disk, job, commits);
  job.slice_bytes = job.commit_bytes = 1 << 20;
  const std::string together = outcome_of(*same, job, commits_together);
  EXPECT_EQ(together, one_by_one);
  EXPECT_GT(commits, 5U);
  EXPECT_LT(commits_together, commits);
}

TEST(LiveTest, AServerGoesOnWhereTheLastOneEnded) {
  SimulatedDisk disk;
  for (int round = 0; round < 3; ++round) {
    LiveServer server(disk, live_job());
    server.deliver(impressions(round * 2, 2));
    server.deliver(clicks(round * 2, 2));
    server.settle();
  }
  EXPECT_EQ(ids_of(disk, "impressions").size(), 6U);
  EXPECT_EQ(ids_of(disk, "clicks").size(), 6U);
}

TEST(LiveTest, AFolderIsWatched) {
  SimulatedDisk calm;
  SimulatedDisk disk;
  for (SimulatedDisk* each : {&calm, &disk}) put_feeds(*each, 40);
  const Result<RunReport> report = run(calm, job_of(), hooks());
  ASSERT_TRUE(report);
  int64_t left = 0;
  for (const ledger::Counts& counts : report->counts) left += counts.records_read;

  LiveHooks live;
  live.now_us = [] { return kReceived; };
  live.steady_us = quick_clock();
  live.committed = [&](const ledger::CommitOutcome& commit) {
    for (const ledger::Counts& counts : commit.counts) left -= counts.records_read;
  };
  live.stop = [&] { return left == 0; };
  const Result<std::unique_ptr<Live>> server = Live::open(disk, job_of(), live);
  ASSERT_TRUE(server);
  const Status status = (*server)->run();
  ASSERT_TRUE(status) << status.error().message;
  const std::string expected = *ledger_text(calm, "/data");
  const std::string found = *ledger_text(disk, "/data");
  for (const char* table : {"impressions:", "clicks:", "conversions:", "rejects:", "duplicates:"})
    EXPECT_EQ(lines_of(found, table), lines_of(expected, table));
}

// What is still written to is left alone, whatever its time or the clock says.
TEST(LiveTest, AFileIsAtRestWhenItWasSeenUnchanged) {
  for (const int64_t modified : {int64_t{0}, kReceived + 365 * limits::kDayUs}) {
    SimulatedDisk disk;
    const std::string_view whole =
        "id,t,u,c\nc1,2023-11-01T10:00:00Z,u1,k1\nc2,2023-11-01T10:00:01Z,u1,k1\n";
    disk.put("/in/clicks.csv", std::string(whole.substr(0, 12)), modified);
    int looks = 0;
    bool is_read = false;
    LiveHooks live;
    live.now_us = [] { return kReceived; };
    live.steady_us = [&, clock = quick_clock()]() mutable {
      const size_t written = 12 + static_cast<size_t>(++looks) * 4;
      if (written < whole.size() + 4)
        disk.put("/in/clicks.csv", std::string(whole.substr(0, written)), modified);
      return clock();
    };
    live.committed = [&](const ledger::CommitOutcome& commit) {
      for (const ledger::Counts& counts : commit.counts) {
        is_read = is_read || counts.source == "clicks";
        EXPECT_EQ(counts.records_read, 2);
      }
    };
    live.stop = [&] { return is_read || looks > 100; };
    const Result<std::unique_ptr<Live>> server = Live::open(disk, job_of(), live);
    ASSERT_TRUE(server);
    ASSERT_TRUE((*server)->run());
    EXPECT_TRUE(is_read);
  }
}

// A delivery of several slices is committed whole or not at all, also when the server is told to
// stop within it.
TEST(LiveTest, ADeliveryIsCommittedWhole) {
  SimulatedDisk disk;
  Job job = live_job();
  job.slice_bytes = 64;
  job.commit_bytes = 64;
  {
    LiveServer server(disk, job);
    server.deliver(clicks(0, 200));
    ASSERT_TRUE(server.stop());
  }
  LiveServer again(disk, job);
  again.settle();
  ASSERT_TRUE(again.stop());
  const Result<std::vector<ledger::Counts>> counts = ledger_of(disk).counts(ledger_of(disk).head());
  ASSERT_TRUE(counts);
  ASSERT_EQ(counts.value().size(), 1U);
  EXPECT_EQ(counts.value().front().received(), 200);
  EXPECT_EQ(ids_of(disk, "clicks").size(), 200U);
}

// What is durable when the server is told to stop is committed before it ends.
TEST(LiveTest, WhatIsDurableIsCommittedBeforeTheEnd) {
  for (int round = 0; round < 10; ++round) {
    SimulatedDisk disk;
    LiveServer server(disk, live_job());
    for (int i = 0; i < 4; ++i) server.deliver(i % 2 == 0 ? impressions(i, 1) : clicks(i, 1));
    ASSERT_TRUE(server.stop());
    EXPECT_EQ(ids_of(disk, "impressions").size() + ids_of(disk, "clicks").size(), 4U);
  }
}

// What it writes from then on is not in the journal that the next one has read.
TEST(LiveTest, AServerThatWasTakenOverAcknowledgesNothing) {
  SimulatedDisk disk;
  LiveServer late(disk, live_job());
  late.deliver(impressions(0, 1));
  Job job = live_job();
  job.holder = "next";
  job.take_over = true;
  {
    LiveServer next(disk, job);
    std::promise<Result<source::JournalPosition>> answer;
    late.live().journal().append(impressions(1, 1), [&](Result<source::JournalPosition> kept) {
      answer.set_value(std::move(kept));
    });
    const Result<source::JournalPosition> kept = answer.get_future().get();
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().code, ErrorCode::fenced);
    next.deliver(impressions(1, 1));
    ASSERT_TRUE(next.stop());
  }
  const Status ended = late.wait();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::fenced);
  EXPECT_EQ(ids_of(disk, "impressions"), (std::multiset<std::string>{"i0", "i1"}));
}

TEST(LiveTest, WorkIsDoneBetweenCommits) {
  SimulatedDisk disk;
  LiveServer server(disk, live_job());
  server.deliver(impressions(0, 3));
  server.settle();
  int64_t head = 0;
  for (int i = 0; i < 3; ++i) {
    server.deliver(clicks(i, 1));  // so that some commits are on their way
    ASSERT_TRUE(server.live().ask([&](ledger::LedgerWriter& writer) {
      ledger::CommitRecord record;
      record.kind = "close";
      record.closed_through = kReceived + i;
      const Status added = writer.append(std::move(record));
      head = writer.ledger().head();
      return added;
    }));
  }
  server.deliver(impressions(3, 3));
  server.settle();
  ASSERT_TRUE(server.stop());
  const ledger::Ledger ledger = ledger_of(disk);
  EXPECT_EQ(ledger.record(head)->kind, "close");
  EXPECT_EQ(ledger.closed_through(), kReceived + 2);
  EXPECT_EQ(ids_of(disk, "impressions").size(), 6U);
  EXPECT_EQ(ids_of(disk, "clicks").size(), 3U);
}

// After it the writer must not be used: a start afresh looks what there is.
TEST(LiveTest, WorkThatFailsEndsTheServer) {
  SimulatedDisk disk;
  LiveServer server(disk, live_job());
  EXPECT_TRUE(server.live().ask(
      [](ledger::LedgerWriter&) { return Status(Error{ErrorCode::io, "the disk is gone"}); }));
  const Status ran = server.wait();
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().message, "the disk is gone");
  EXPECT_FALSE(server.live().ask([](ledger::LedgerWriter&) { return Status(); }));
}

// A file that cannot be read stops neither the others nor deliveries.
TEST(LiveTest, TroubleWithAFileIsTold) {
  class Unreadable : public SimulatedDisk {
   public:
    Result<std::unique_ptr<File>> open(const std::string& path) const override {
      if (path == "/in/clicks.csv") return Error{ErrorCode::io, path + ": permission denied"};
      return SimulatedDisk::open(path);
    }
  };
  Unreadable disk;
  put_feeds(disk, 4);
  LiveHooks live;
  live.now_us = [] { return kReceived; };
  live.steady_us = quick_clock();
  std::set<std::string> read;
  std::vector<std::string> troubles;
  live.committed = [&](const ledger::CommitOutcome& commit) {
    for (const ledger::Counts& counts : commit.counts) read.insert(counts.source);
  };
  live.trouble = [&](const Error& error) { troubles.push_back(error.message); };
  live.stop = [&] { return read.size() == 2; };
  const Result<std::unique_ptr<Live>> server = Live::open(disk, job_of(), live);
  ASSERT_TRUE(server);
  ASSERT_TRUE((*server)->run());
  EXPECT_EQ(read, (std::set<std::string>{"conversions", "impressions"}));
  EXPECT_EQ(troubles, (std::vector<std::string>{"/in/clicks.csv: permission denied"}));
}

}  // namespace
}  // namespace adweave::engine
