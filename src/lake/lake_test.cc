// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <random>
#include <string>
#include <type_traits>

#include <gtest/gtest.h>

#include "base/limits.h"
#include "lake/merge_files.h"
#include "lake/table_reader.h"
#include "lake/table_writer.h"
#include "tests/support/simulated_disk.h"
#include "tests/support/times.h"

namespace adweave::lake {
namespace {

using event::Batch;
using event::Kind;
using tests::SimulatedDisk;

using tests::kNoon;

// Puts what every row must have, and a cost and a website that repeat or are null.
void add_click(Batch& batch, std::string_view id, int64_t time) {
  const int64_t row = batch.rows++;
  batch.event_id.put(row, id);
  batch.event_time.put(row, time);
  batch.received_time.put(row, time + 1);
  batch.advertiser_id.put(row, "default");
  batch.source.put(row, "clicks");
  batch.source_position.put(row, "clicks.csv:" + std::to_string(row * 10));
  batch.source_length.put(row, 9);
  batch.content_hash.put(row, -row);
  batch.campaign_id.put(row, row % 3 == 0 ? "spring" : "autumn");
  if (row % 2 == 0) batch.cost.put(row, 1'250'000'000 + row);
  if (row % 5 == 1) batch.website.put(row, "example.com");
  batch.is_weekend.put(row, row % 2 == 0 ? 1 : 0);
}

Batch clicks(int64_t begin, int64_t end) {
  Batch batch(Kind::click);
  for (int64_t i = begin; i < end; ++i)
    add_click(batch, "c" + std::to_string(i), kNoon + i * limits::kDayUs / 10);
  return batch;
}

class LakeTest : public ::testing::Test {
 protected:
  void SetUp() override { CHECK(disk_.make_dir("/data")); }

  std::vector<event::DataFile> write(const std::vector<Batch>& batches, int64_t commit = 2) {
    std::vector<event::TableRows> parts;
    for (const Batch& batch : batches) parts.push_back(event::table_rows(batch));
    auto files = write_table(disk_, {"/data", 1, commit, "ledger-1"}, parts);
    CHECK(files);
    return *files;
  }

  SimulatedDisk disk_;
};

TEST_F(LakeTest, RowsAreSplitByDayAndReadBackEqual) {
  const Batch batch = clicks(0, 20);
  const auto files = write({batch});
  ASSERT_EQ(files.size(), 3U);  // noon + 0 .. 1.9 days
  EXPECT_EQ(files[0].path, "lake/clicks/_recent/dt=2023-11-01/part-1-2-0.parquet");
  EXPECT_EQ(files[0].rows, 5);
  EXPECT_EQ(files[1].rows, 10);
  EXPECT_EQ(files[0].time_min, kNoon);
  EXPECT_EQ(files[0].time_max, kNoon + 4 * limits::kDayUs / 10);

  const Result<Batch> read = read_events(disk_, "/data", files[0]);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->rows, 5);
  for (int64_t row = 0; row < 5; ++row) {
    EXPECT_EQ(read->event_id[row], batch.event_id[row]);
    EXPECT_EQ(read->event_id.hash(row), batch.event_id.hash(row));
    EXPECT_EQ(read->event_time[row], batch.event_time[row]);
    EXPECT_EQ(read->campaign_id[row], batch.campaign_id[row]);
    EXPECT_EQ(read->cost.has(row), batch.cost.has(row));
    EXPECT_EQ(read->cost.value_or(row, 0), batch.cost.value_or(row, 0));
    EXPECT_EQ(read->website.has(row), batch.website.has(row));
    EXPECT_EQ(read->is_weekend[row], batch.is_weekend[row]);
    EXPECT_EQ(read->content_hash[row], -row);
    EXPECT_EQ(read->commit[row], 2);
    EXPECT_EQ(read->ledger_id[row], "ledger-1");
    EXPECT_FALSE(read->user_id.has(row));
  }
}

TEST_F(LakeTest, TheCutIntoSlicesDoesNotChangeTheBytes) {
  const auto whole = write({clicks(0, 20)}, 2);
  const std::string bytes = *read_file(disk_, "/data/" + whole[1].path, 1 << 20);
  SimulatedDisk other;
  CHECK(other.make_dir("/data"));
  std::vector<Batch> same;
  for (const auto& [begin, end] : {std::pair{0, 3}, {3, 11}, {11, 20}}) {
    Batch batch = clicks(0, 20);
    std::vector<int32_t> kept;
    for (int32_t row = begin; row < end; ++row) kept.push_back(row);
    batch.spans.resize(20);
    batch.keep(kept);
    same.push_back(std::move(batch));
  }
  std::vector<event::TableRows> parts;
  for (const Batch& batch : same) parts.push_back(event::table_rows(batch));
  const auto files = write_table(other, {"/data", 1, 2, "ledger-1"}, parts);
  ASSERT_TRUE(files);
  ASSERT_EQ(files->size(), whole.size());
  for (size_t i = 0; i < whole.size(); ++i) EXPECT_EQ((*files)[i].checksum, whole[i].checksum);
  EXPECT_EQ(*read_file(other, "/data/" + (*files)[1].path, 1 << 20), bytes);
}

TEST_F(LakeTest, OnlyTheColumnsAskedForAreRead) {
  const auto files = write({clicks(0, 5)});
  const event::Field fields[] = {event::Field::event_id, event::Field::commit};
  const Result<Batch> read = read_events(disk_, "/data", files[0], fields);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->event_id[4], "c4");
  EXPECT_EQ(read->commit[0], 2);
  EXPECT_FALSE(read->event_time.has(0));
}

TEST_F(LakeTest, WideMoneyAndBytesSurvive) {
  event::AuditRows audit;
  audit.rows = 2;
  for (int64_t row = 0; row < 2; ++row) {
    audit.source.put(row, "clicks");
    audit.posting_date.put(row, kNoon);
  }
  const Int128 large = static_cast<Int128>(kMoneyMax) * 1'000'000'007;
  audit.cost.put(0, large);
  audit.cost.put(1, -large);
  const event::TableRows parts[] = {event::table_rows(audit)};
  const auto files = write_table(disk_, {"/data", 1, 2, "l"}, parts);
  ASSERT_TRUE(files) << files.error().message;
  const auto read = read_rows<event::AuditRows>(disk_, "/data", (*files)[0]);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->cost[0] == large);
  EXPECT_TRUE(read->cost[1] == -large);
}

TEST_F(LakeTest, ANullInARequiredColumnIsABugThatIsReported) {
  Batch batch(Kind::click);
  add_click(batch, "c", kNoon);
  batch.campaign_id.clear(0);
  const event::TableRows parts[] = {event::table_rows(batch)};
  const auto files = write_table(disk_, {"/data", 1, 2, "l"}, parts);
  ASSERT_FALSE(files);
  EXPECT_NE(files.error().message.find("clicks.campaign_id"), std::string::npos);
}

TEST_F(LakeTest, ADamagedFileIsOneClearError) {
  auto files = write({clicks(0, 5)});
  std::string bytes = *read_file(disk_, "/data/" + files[0].path, 1 << 20);
  disk_.put("/data/" + files[0].path, bytes.substr(0, bytes.size() / 2), 0);
  const Result<Batch> read = read_events(disk_, "/data", files[0]);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::corrupt);
  EXPECT_NE(read.error().message.find(files[0].path), std::string::npos);
}

TEST_F(LakeTest, AFileIsNeverWrittenTwice) {
  write({clicks(0, 5)});
  const Batch batch = clicks(0, 5);
  const event::TableRows parts[] = {event::table_rows(batch)};
  EXPECT_EQ(write_table(disk_, {"/data", 1, 2, "l"}, parts).error().code, ErrorCode::exists);
}

// Rows of all types with nulls, few and many different values.
constexpr std::string_view kLongName = "creative of the autumn campaign, for phones, number ";

Batch any_rows(uint64_t seed, int64_t rows) {
  std::mt19937_64 random(seed);
  Batch batch(Kind::impression);
  const auto text = [&](std::string_view start, uint64_t different) {
    return std::string(start) + std::to_string(random() % different);
  };
  for (int64_t row = 0; row < rows; ++row) {
    add_click(batch, text("id", UINT64_MAX), kNoon + static_cast<int64_t>(random() % 1'000'000));
    batch.content_hash.replace(row, static_cast<int64_t>(random()));
    const std::string user = text("", 5'000);
    if (random() % 3 > 0) {
      batch.user_id.put(row, user);
      batch.person_id.put(row, user);  // the same pages are written again
    }
    batch.impression_id.put(row, batch.event_id[row]);  // the same values, but it may be null
    if (random() % 2 > 0) batch.page_url.put(row, text("https://example.com/", 90'000));
    batch.creative_id.put(row, text(kLongName, 100'000));  // too much for a dictionary
    if (random() % 9 > 0) batch.currency.put(row, random() % 2 > 0 ? "EUR" : "USD");
    batch.cost.replace(row, static_cast<int64_t>(random() % 2'000'000'000'000) - 1'000'000'000'000);
    if (random() % 4 > 0) batch.time_on_ad_ms.put(row, static_cast<int64_t>(random() % 100'000));
    if (row >= rows / 2) batch.interactions.put(row, static_cast<int64_t>(random() % 3));
  }
  return batch;
}

template <class Column>
std::string cell(const Column& column, int64_t row) {
  if (!column.has(row)) return "null";
  if constexpr (std::is_convertible_v<decltype(column[row]), std::string_view>) {
    return std::string(column[row]);
  } else {
    return std::to_string(column[row]);
  }
}

// What stands in the columns that a feed fills, one text for each row.
std::vector<std::string> texts_of(const Batch& batch) {
  std::vector<std::string> rows(static_cast<size_t>(batch.rows));
  event::for_each_column(batch, [&](const event::FieldInfo& field, const auto& column) {
    if (column.is_empty() || field.name == "commit" || field.name == "ledger_id") return;
    for (int64_t row = 0; row < batch.rows; ++row)
      rows[static_cast<size_t>(row)] += cell(column, row) + "|";
  });
  return rows;
}

TEST_F(LakeTest, AllKindsOfPagesAreReadBackAndMerged) {
  const std::vector<Batch> batches = {any_rows(1, 30'000), any_rows(2, 999)};
  std::vector<event::DataFile> files;
  std::vector<std::string> written;
  for (const Batch& batch : batches) {
    files.push_back(write({batch}, static_cast<int64_t>(files.size()) + 2).front());
    const Result<Batch> read = read_events(disk_, "/data", files.back());
    ASSERT_TRUE(read);
    std::vector<std::string> rows = texts_of(batch);
    ASSERT_EQ(texts_of(*read), rows);
    written.insert(written.end(), rows.begin(), rows.end());
  }

  const WriteOptions options{"/data", 1, 4, "ledger-1", "test"};
  const auto recent = merge_files(disk_, options, MergedPlace::recent, files, 0);
  ASSERT_TRUE(recent);
  EXPECT_EQ(texts_of(*read_events(disk_, "/data", *recent)), written);

  const auto sealed = merge_files(disk_, options, MergedPlace::sealed, files, 0);
  ASSERT_TRUE(sealed);
  const Result<Batch> read = read_events(disk_, "/data", *sealed);
  ASSERT_TRUE(read);
  const std::vector<int64_t>& times = read->event_time.values();
  EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
  std::vector<std::string> rows = texts_of(*read);
  std::sort(rows.begin(), rows.end());
  std::sort(written.begin(), written.end());
  EXPECT_EQ(rows, written);
}

TEST_F(LakeTest, RowsOfSeveralRowGroups) {
  Batch batch(Kind::click);
  const int64_t rows = limits::kRowGroupRows + 500;
  for (int64_t row = 0; row < rows; ++row)
    add_click(batch, std::to_string(row), kNoon + rows - row);
  const std::vector<event::DataFile> files = write({batch});
  const auto sealed =
      merge_files(disk_, {"/data", 1, 3, "ledger-1", "test"}, MergedPlace::sealed, files, 0);
  ASSERT_TRUE(sealed);
  const Result<Batch> read = read_events(disk_, "/data", *sealed);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->rows, rows);
  for (int64_t row = 0; row < rows; ++row) {
    ASSERT_EQ(read->event_time[row], kNoon + 1 + row);
    ASSERT_EQ(read->event_id[row], std::to_string(rows - 1 - row));
    ASSERT_EQ(read->content_hash[row], row + 1 - rows);
    ASSERT_EQ(read->website.has(row), (rows - 1 - row) % 5 == 1);
  }
}

// Ids are compared with those of the column before; a merge lets go of a column once it is written,
// and one without a value may come between.
TEST_F(LakeTest, MergedColumnsOfIdsKeepTheirOwn) {
  Batch batch(Kind::click);
  for (int64_t row = 0; row < 100; ++row) {
    add_click(batch, "clk-" + std::to_string(100'000'000 + row), kNoon);
    batch.user_id.put(row, "usr-" + std::to_string(100'000'000 + row));
    batch.impression_id.put(row, "imp-" + std::to_string(100'000'000 + row));
  }
  const auto files = write({batch});
  const auto sealed =
      merge_files(disk_, {"/data", 1, 3, "ledger-1", "test"}, MergedPlace::sealed, files, 0);
  ASSERT_TRUE(sealed);
  const Result<Batch> read = read_events(disk_, "/data", *sealed);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->rows, 100);
  for (int64_t row = 0; row < 100; ++row) {
    ASSERT_EQ(read->event_id[row], batch.event_id[row]);
    ASSERT_EQ(read->user_id[row], batch.user_id[row]);
    ASSERT_FALSE(read->person_id.has(row));
    ASSERT_EQ(read->impression_id[row], batch.impression_id[row]);
  }
}

}  // namespace
}  // namespace adweave::lake
