// SPDX-License-Identifier: Apache-2.0
#include "event/batch.h"

#include <set>

#include <gtest/gtest.h>

#include "base/time.h"
#include "event/row_json.h"

namespace adweave::event {
namespace {

TEST(Schema, NamesAndIdsAreUnique) {
  for (const TableInfo& table : all_tables()) {
    std::set<std::string_view> names;
    std::set<int> ids;
    for (const ColumnInfo& column : table.columns) {
      EXPECT_TRUE(names.insert(column.name).second) << table.name << '.' << column.name;
      EXPECT_TRUE(ids.insert(column.parquet_id).second) << table.name << '.' << column.name;
    }
    EXPECT_TRUE(names.contains(table.time_column)) << table.name;
    EXPECT_TRUE(names.contains("commit") && names.contains("ledger_id")) << table.name;
  }
}

TEST(Schema, FindsFieldsByName) {
  EXPECT_EQ(parse_field("user_id"), Field::user_id);
  EXPECT_EQ(parse_field("nonsense"), std::nullopt);
  EXPECT_EQ(parse_kind("bid_request"), Kind::bid_request);
  EXPECT_TRUE(info(Field::creative_id).required_in(Kind::impression));
  EXPECT_FALSE(info(Field::creative_id).required_in(Kind::click));
  EXPECT_FALSE(info(Field::bid_amount).in(Kind::impression));
  EXPECT_EQ(find_table("bid_requests")->kind, Kind::bid_request);
}

TEST(Columns, RowsBeyondTheEndAreNull) {
  StrColumn column;
  EXPECT_FALSE(column.has(0));
  column.put(2, "c");
  EXPECT_EQ(column.size(), 3);
  EXPECT_FALSE(column.has(0) || column.has(1) || column.has(3));
  EXPECT_EQ(column[2], "c");
  EXPECT_EQ(column.value_or(1, "?"), "?");
}

TEST(Columns, FillsFromAnyRowToAny) {
  for (const int64_t begin : {0, 1, 7, 8, 9}) {
    for (const int64_t end : {9, 15, 16, 17, 40}) {
      IntColumn column;
      column.pad(begin);
      column.fill(end, 3);
      column.pad(end + 5);
      column.put(end + 5, 4);
      for (int64_t row = 0; row < end + 5; ++row) {
        EXPECT_EQ(column.value_or(row, 0), row >= begin && row < end ? 3 : 0);
      }
      EXPECT_EQ(column[end + 5], 4);
      EXPECT_EQ(column.validity().null_count(), begin + 5);
    }
  }
}

TEST(Columns, ReplaceGoesBack) {
  MoneyColumn money;
  money.put(0, 5);
  money.put(3, 7);
  money.replace(1, 6);
  money.clear(0);
  money.replace(9, 8);
  EXPECT_FALSE(money.has(0));
  EXPECT_EQ(money[1], 6);
  EXPECT_FALSE(money.has(2));
  EXPECT_EQ(money[9], 8);
  EXPECT_EQ(money.validity().null_count(), 7);
}

TEST(Columns, DictionaryKeepsOrderOfFirstUse) {
  DictColumn column;
  for (const char* value : {"b", "a", "b"}) column.put(column.size(), value);
  EXPECT_EQ(column.codes(), (std::vector<int32_t>{0, 1, 0}));
  EXPECT_EQ(column.dictionary()[0], "b");
  EXPECT_EQ(column.dictionary().size(), 2);
}

TEST(Batch, KeepsTheNamedRowsOfEveryColumn) {
  Batch batch(Kind::click);
  for (int64_t row = 0; row < 4; ++row) {
    batch.event_id.put(row, std::string(1, static_cast<char>('a' + row)));
    batch.event_time.put(row, row * 10);
    if (row % 2 == 1) batch.campaign_id.put(row, "c" + std::to_string(row));
    batch.spans.push_back({row, 1, -1});
  }
  batch.rows = 4;
  batch.keep({1, 2});
  EXPECT_EQ(batch.rows, 2);
  EXPECT_EQ(batch.event_id[0], "b");
  EXPECT_EQ(batch.event_id.hash(1), hash128("c"));
  EXPECT_EQ(batch.event_time[1], 20);
  EXPECT_EQ(batch.campaign_id[0], "c1");
  EXPECT_FALSE(batch.campaign_id.has(1));
  EXPECT_EQ(batch.spans[1].offset, 2);
}

TEST(Batch, KeepsRunsOfRowsAsRowByRow) {
  constexpr int64_t kRows = 100;
  Batch batch(Kind::click);
  const auto has = [](int64_t row) { return row % 5 != 1 && row < 90; };
  for (int64_t row = 0; row < kRows; ++row) {
    batch.event_time.put(row, row);
    if (has(row)) batch.user_id.put(row, std::to_string(row));
    if (has(row)) batch.website.put(row, std::to_string(row % 7));
    batch.spans.push_back({row, 1, -1});
  }
  batch.rows = kRows;
  std::vector<int32_t> kept;
  for (int32_t row = 0; row < kRows; ++row) {
    if (row % 11 != 3 && (row < 40 || row > 59)) kept.push_back(row);
  }
  batch.keep(kept);
  ASSERT_EQ(batch.rows, static_cast<int64_t>(kept.size()));
  for (int64_t row = 0; row < batch.rows; ++row) {
    const int64_t was = kept[static_cast<size_t>(row)];
    EXPECT_EQ(batch.event_time[row], was);
    EXPECT_EQ(batch.spans[static_cast<size_t>(row)].offset, was);
    ASSERT_EQ(batch.user_id.has(row), has(was));
    ASSERT_EQ(batch.website.has(row), has(was));
    if (!has(was)) continue;
    EXPECT_EQ(batch.user_id[row], std::to_string(was));
    EXPECT_EQ(batch.user_id.hash(row), hash128(std::to_string(was)));
    EXPECT_EQ(batch.website[row], std::to_string(was % 7));
  }
}

TEST(Batch, ARowIsJson) {
  Batch batch(Kind::conversion);
  batch.rows = 2;
  batch.event_id.put(0, "v\"1");
  batch.event_time.put(0, 1'698'825'600'500'000);
  batch.value.put(0, -2'500'000'000);
  batch.flags.put(0, 5);
  batch.is_weekend.put(0, 1);
  batch.event_id.put(1, "v2");
  std::string first;
  append_row_json(first, table_rows(batch), 0);
  EXPECT_EQ(first, "{\"table\":\"conversions\",\"event_id\":\"v\\\"1\",\"event_time\":\"" +
                       format_time(1'698'825'600'500'000) +
                       "\",\"flags\":5,\"value\":\"-2.500000000\",\"is_weekend\":true}");
  std::string second;
  append_row_json(second, table_rows(batch), 1);
  EXPECT_EQ(second, R"({"table":"conversions","event_id":"v2"})");
  FactRows facts;
  facts.rows = 1;
  facts.score.put(0, 0.25);
  RejectRows rejects;
  rejects.raw.put(0, "raw");
  AuditRows audit;
  audit.cost.put(0, Int128{1'250'000'000});
  std::string others;
  append_row_json(others, table_rows(facts), 0);
  append_row_json(others, table_rows(rejects), 0);
  append_row_json(others, table_rows(audit), 0);
  EXPECT_EQ(others, R"({"table":"facts","score":0.25}{"table":"rejects","raw":"cmF3"})"
                    R"({"table":"audit","cost":"1.250000000"})");
}

TEST(Batch, GivesItsTableRowsInColumnOrder) {
  const Batch batch(Kind::conversion);
  const TableRows rows = table_rows(batch);
  EXPECT_EQ(rows.columns.size(), rows.table->columns.size());
  const RejectRows rejects;
  EXPECT_EQ(table_rows(rejects).columns.size(), find_table("rejects")->columns.size());
  EXPECT_TRUE(std::holds_alternative<const BytesColumn*>(table_rows(rejects).columns[8]));
}

}  // namespace
}  // namespace adweave::event
