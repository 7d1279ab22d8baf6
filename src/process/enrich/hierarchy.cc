// SPDX-License-Identifier: Apache-2.0
#include "process/enrich/hierarchy.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/check.h"
#include "event/flags.h"

namespace adweave::process {

namespace {

using event::Batch;
using event::DictColumn;
using event::Kind;
using state::Dimension;

// One dimension over one column that names its things. Each distinct name is looked up once, and
// again when another version of the thing holds.
class Level {
 public:
  Level(const state::Dimensions& dimensions, std::string_view name, const DictColumn& key)
      : key_(key) {
    const auto it = dimensions.find(name);
    if (it != dimensions.end()) dimension_ = &it->second;
  }

  // Has the level's attribute fill the column where that is empty.
  void fill(std::string_view attribute, DictColumn& column) {
    const auto at = dimension_ == nullptr ? std::nullopt : dimension_->attribute(attribute);
    if (!at) return;
    CHECK(targets_.size() < kTargetsMax);
    targets_.push_back({*at, &column});
  }

  // All rows of the batch. Those that name a thing that is not known at their time are flagged.
  void climb(Batch& batch) {
    if (dimension_ == nullptr || key_.is_empty()) return;
    known_.resize(static_cast<size_t>(key_.dictionary().size()));
    for (int64_t row = 0; row < std::min(batch.rows, key_.size()); ++row) {
      if (!key_.has(row) || !batch.event_time.has(row)) continue;
      const Known& known = known_at(key_.code(row), batch.event_time[row]);
      if (known.row == nullptr) {
        batch.flags.replace(row, batch.flags.value_or(row, 0) | event::kUnknownDimension);
        continue;
      }
      for (size_t i = 0; i < targets_.size(); ++i) {
        DictColumn& column = *targets_[i].column;
        if (known.codes[i] != kNoValue && !column.has(row))
          column.replace_code(row, known.codes[i]);
      }
    }
  }

 private:
  static constexpr size_t kTargetsMax = 4;
  static constexpr int32_t kNoValue = -1;

  struct Target {
    size_t attribute;
    DictColumn* column;
  };
  // What is said of a thing, and from when to when.
  struct Known {
    bool looked = false;
    const Dimension::Thing* thing = nullptr;
    const Dimension::Row* row = nullptr;
    std::array<int32_t, kTargetsMax> codes;  // of its values in the targets
  };

  const Known& known_at(int32_t code, int64_t time) {
    Known& known = known_[static_cast<size_t>(code)];
    if (!known.looked) known = {true, dimension_->find(key_.dictionary()[code]), nullptr, {}};
    if (known.thing == nullptr) return known;
    if (known.row != nullptr && known.row->from <= time && time < known.row->to) return known;
    known.row = Dimension::row_at(*known.thing, time);
    if (known.row == nullptr) return known;
    for (size_t i = 0; i < targets_.size(); ++i) {
      const std::string& value = known.row->values[targets_[i].attribute];
      known.codes[i] = value.empty() ? kNoValue : targets_[i].column->intern(value);
    }
    return known;
  }

  const Dimension* dimension_ = nullptr;
  const DictColumn& key_;
  std::vector<Target> targets_;
  std::vector<Known> known_;  // by code
};

// From below to above.
std::vector<Level> levels_of(Batch& batch, const state::Dimensions& dimensions) {
  std::vector<Level> levels = {{dimensions, "creatives", batch.creative_id},
                               {dimensions, "ad_groups", batch.ad_group_id},
                               {dimensions, "campaigns", batch.campaign_id}};
  for (Level& level : levels) {
    if (batch.kind == Kind::impression || batch.kind == Kind::click) {
      level.fill("ad_group_id", batch.ad_group_id);
      level.fill("campaign_id", batch.campaign_id);
    }
  }
  if (batch.kind == Kind::conversion)
    levels.emplace_back(dimensions, "campaigns", batch.reported_campaign_id);
  for (Level& level : levels) {
    if (batch.kind == Kind::impression) level.fill("line_item_id", batch.line_item_id);
    level.fill("advertiser_id", batch.advertiser_id);
  }
  return levels;
}

void complete_advertisers(Batch& batch) {
  DictColumn& advertisers = batch.advertiser_id;
  if (advertisers.is_full(batch.rows)) return;
  const int32_t unnamed = advertisers.intern("default");
  for (int64_t row = 0; row < batch.rows; ++row) {
    if (!advertisers.has(row)) advertisers.replace_code(row, unnamed);
  }
}

void add_cost_basis(Batch& batch) {
  const auto basis = [&](int64_t row) { return batch.cost.has(row) ? "cleared" : "none"; };
  if (batch.cost.is_full(batch.rows) || batch.cost.is_empty())
    return batch.cost_basis.fill(batch.rows, basis(0));
  for (int64_t row = 0; row < batch.rows; ++row) batch.cost_basis.put(row, basis(row));
}

}  // namespace

void add_hierarchy(Batch& batch, const state::Dimensions& dimensions) {
  for (Level& level : levels_of(batch, dimensions)) level.climb(batch);
  complete_advertisers(batch);
  batch.person_id = batch.user_id;
  if (batch.kind == Kind::impression) add_cost_basis(batch);
  if (batch.kind == Kind::click) batch.joined_by.fill(batch.rows, "none");  // until it is joined
}

}  // namespace adweave::process
