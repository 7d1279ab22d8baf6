// SPDX-License-Identifier: Apache-2.0
// Reference data with validity dates: creatives -> ad groups -> campaigns -> advertisers. Immutable
// once loaded.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace adweave::state {

// Rows of one file. Needs the column that names the thing (creative_id, ad_group_id, campaign_id,
// advertiser_id, currency); `valid_from` and `valid_to` (ISO dates or times, UTC, half open, empty
// is open) are optional, others are attributes.
class Dimension {
 public:
  // `name` is one of reference_names(). Fails with config: which row and column is wrong, or which
  // two rows of one id overlap in time. Exchange rates have a column for each reporting currency:
  // what one unit of the row's currency is worth in it, above 0, to nine decimals.
  static Result<Dimension> load(const std::string& name, const std::vector<std::string>& columns,
                                const std::vector<std::vector<std::string>>& rows);

  // What a file's row says of a thing from a time on, up to another.
  struct Row {
    size_t number = 0;  // in its file, from 0, without the header
    int64_t from = INT64_MIN;
    int64_t to = INT64_MAX;
    std::vector<std::string> values;
  };
  using Thing = std::vector<Row>;  // sorted by `from`

  // Null when the thing is not known at any time.
  const Thing* find(std::string_view id) const;
  // What is said of it as of a time; null: nothing.
  static const Row* row_at(const Thing& thing, int64_t time);
  // Where Row::values has the attribute.
  std::optional<size_t> attribute(std::string_view name) const;

  // The attribute of a thing as of a time; empty when the thing is not known then or the attribute
  // is empty.
  std::string_view find(std::string_view id, int64_t time, std::string_view attribute) const;

 private:
  std::vector<std::string> columns_;
  std::map<std::string, Thing, std::less<>> things_;  // by id
};

// The names of the hierarchy's files, from creatives to advertisers, and of all files that the
// product knows: those and "exchange_rates".
std::span<const std::string_view> dimension_names();
std::span<const std::string_view> reference_names();
// "creatives" -> "creative_id"
std::string_view dimension_key(std::string_view name);

// All of them, by name.
using Dimensions = std::map<std::string, Dimension, std::less<>>;

}  // namespace adweave::state
