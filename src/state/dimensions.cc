// SPDX-License-Identifier: Apache-2.0
#include "state/dimensions.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/money.h"
#include "base/time.h"

namespace adweave::state {

namespace {

constexpr std::array<std::string_view, 5> kNames = {"creatives", "ad_groups", "campaigns",
                                                    "advertisers", "exchange_rates"};
constexpr std::array<std::string_view, 5> kKeys = {"creative_id", "ad_group_id", "campaign_id",
                                                   "advertiser_id", "currency"};

// Null: not a date or time.
std::optional<int64_t> parse_bound(const std::string& text) {
  const std::optional<ParsedTime> time =
      parse_iso_time(text.find_first_of("T ") == std::string::npos ? text + "T00:00:00Z" : text);
  if (!time) return std::nullopt;
  return time->micros;
}

Error row_error(const std::string& name, size_t row, const std::string& what) {
  return {ErrorCode::config,
          "dimension " + name + ", row " + std::to_string(row + 2) + ": " + what};
}

// What is wrong with a row's rates; null when nothing is.
std::optional<std::string> bad_rate(const std::vector<std::string>& columns,
                                    const std::vector<std::string>& row) {
  for (size_t i = 0; i < columns.size(); ++i) {
    const bool rate =
        columns[i] != "currency" && columns[i] != "valid_from" && columns[i] != "valid_to";
    if (!rate || row[i].empty()) continue;
    const std::optional<Int128> nanos = parse_nanos(row[i]);
    if (!nanos || *nanos <= 0) return columns[i] + " '" + row[i] + "' is no rate above 0";
  }
  return std::nullopt;
}

}  // namespace

std::span<const std::string_view> dimension_names() {
  return std::span(kNames).first(kNames.size() - 1);
}

std::span<const std::string_view> reference_names() {
  return kNames;
}

std::string_view dimension_key(std::string_view name) {
  const auto it = std::find(kNames.begin(), kNames.end(), name);
  return it == kNames.end() ? std::string_view() : kKeys[static_cast<size_t>(it - kNames.begin())];
}

Result<Dimension> Dimension::load(const std::string& name, const std::vector<std::string>& columns,
                                  const std::vector<std::vector<std::string>>& rows) {
  Dimension dimension;
  dimension.columns_ = columns;
  const auto column_at = [&](std::string_view column) {
    return static_cast<size_t>(std::find(columns.begin(), columns.end(), column) - columns.begin());
  };
  const size_t key = column_at(dimension_key(name));
  const size_t from = column_at("valid_from");
  const size_t to = column_at("valid_to");
  if (key == columns.size()) {
    return Error{ErrorCode::config,
                 "dimension " + name + ": there is no column " + std::string(dimension_key(name))};
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    Row row;
    row.number = i;
    row.values = rows[i];
    for (const auto& [column, bound] : {std::pair{from, &row.from}, {to, &row.to}}) {
      if (column == columns.size() || rows[i][column].empty()) continue;
      const std::optional<int64_t> time = parse_bound(rows[i][column]);
      if (!time)
        return row_error(name, i,
                         columns[column] + " '" + rows[i][column] + "' is no ISO date or time");
      *bound = *time;
    }
    if (row.from >= row.to) return row_error(name, i, "valid_from is not before valid_to");
    if (name == "exchange_rates") {
      if (const auto wrong = bad_rate(columns, rows[i])) return row_error(name, i, *wrong);
    }
    dimension.things_[rows[i][key]].push_back(std::move(row));
  }
  for (auto& [id, versions] : dimension.things_) {
    std::sort(versions.begin(), versions.end(),
              [](const Row& a, const Row& b) { return a.from < b.from; });
    for (size_t i = 1; i < versions.size(); ++i) {
      if (versions[i].from < versions[i - 1].to) {
        const auto [first, second] = std::minmax(versions[i - 1].number, versions[i].number);
        return Error{ErrorCode::config,
                     "dimension " + name + ", rows " + std::to_string(first + 2) + " and " +
                         std::to_string(second + 2) + ": two versions of '" + id +
                         "' overlap in time from " + format_time(versions[i].from),
                     "end the earlier row (valid_to) where the later begins (valid_from)"};
      }
    }
  }
  return dimension;
}

const Dimension::Thing* Dimension::find(std::string_view id) const {
  const auto it = things_.find(id);
  return it == things_.end() ? nullptr : &it->second;
}

const Dimension::Row* Dimension::row_at(const Thing& thing, int64_t time) {
  for (const Row& row : thing) {
    if (row.from <= time && time < row.to) return &row;
  }
  return nullptr;
}

std::optional<size_t> Dimension::attribute(std::string_view name) const {
  const auto it = std::find(columns_.begin(), columns_.end(), name);
  if (it == columns_.end()) return std::nullopt;
  return static_cast<size_t>(it - columns_.begin());
}

std::string_view Dimension::find(std::string_view id, int64_t time,
                                 std::string_view attribute) const {
  const Thing* thing = find(id);
  const Row* row = thing == nullptr ? nullptr : row_at(*thing, time);
  const std::optional<size_t> column = this->attribute(attribute);
  return row == nullptr || !column ? std::string_view() : row->values[*column];
}

}  // namespace adweave::state
