// SPDX-License-Identifier: Apache-2.0
#include "process/enrich/hierarchy.h"

#include <vector>

#include "event/flags.h"

namespace adweave::process {

namespace {

using event::Batch;
using event::DictColumn;
using event::Kind;
using state::Dimension;

// One dimension over one column that names its things. Each distinct name is looked up once.
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
    if (at) targets_.push_back({*at, &column});
  }

  // False when the row names a thing that is not known at that time.
  bool climb(int64_t row, int64_t time) {
    if (dimension_ == nullptr || !key_.has(row)) return true;
    const Dimension::Thing* thing = thing_of(key_.code(row));
    const Dimension::Row* known = thing == nullptr ? nullptr : Dimension::row_at(*thing, time);
    if (known == nullptr) return false;
    for (const auto& [at, column] : targets_) {
      const std::string& value = known->values[at];
      if (!value.empty() && !column->has(row)) column->replace(row, value);
    }
    return true;
  }

 private:
  struct Target {
    size_t attribute;
    DictColumn* column;
  };
  struct Found {
    bool looked = false;
    const Dimension::Thing* thing = nullptr;
  };

  const Dimension::Thing* thing_of(int32_t code) {
    const auto at = static_cast<size_t>(code);
    if (at >= found_.size()) found_.resize(static_cast<size_t>(key_.dictionary().size()));
    if (!found_[at].looked) found_[at] = {true, dimension_->find(key_.dictionary()[code])};
    return found_[at].thing;
  }

  const Dimension* dimension_ = nullptr;
  const DictColumn& key_;
  std::vector<Target> targets_;
  std::vector<Found> found_;  // by code
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

}  // namespace

void add_hierarchy(Batch& batch, const state::Dimensions& dimensions) {
  std::vector<Level> levels = levels_of(batch, dimensions);
  for (int64_t row = 0; row < batch.rows; ++row) {
    if (batch.event_time.has(row)) {
      bool known = true;
      for (Level& level : levels) known = level.climb(row, batch.event_time[row]) && known;
      if (!known) batch.flags.replace(row, batch.flags.value_or(row, 0) | event::kUnknownDimension);
    }
    if (!batch.advertiser_id.has(row)) batch.advertiser_id.replace(row, "default");
    if (batch.user_id.has(row))
      batch.person_id.put(row, batch.user_id[row], batch.user_id.hash(row));
    if (batch.kind == Kind::impression)
      batch.cost_basis.put(row, batch.cost.has(row) ? "cleared" : "none");
    if (batch.kind == Kind::click) batch.joined_by.put(row, "none");  // until it is joined
  }
}

}  // namespace adweave::process
