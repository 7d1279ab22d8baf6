// SPDX-License-Identifier: Apache-2.0
#include "process/enrich/hierarchy.h"

#include "event/flags.h"

namespace adweave::process {

namespace {

using event::DictColumn;

// Fills the fields of one row from below to above.
class RowHierarchy {
 public:
  RowHierarchy(event::Batch& batch, int64_t row, const state::Dimensions& dimensions)
      : batch_(batch), row_(row), time_(batch.event_time[row]), dimensions_(dimensions) {}

  void fill() {
    climb("creatives", batch_.creative_id);
    climb("ad_groups", batch_.ad_group_id);
    climb("campaigns", batch_.campaign_id);
    if (batch_.kind == event::Kind::conversion) climb("campaigns", batch_.reported_campaign_id);
    if (unknown_)
      batch_.flags.replace(row_, batch_.flags.value_or(row_, 0) | event::kUnknownDimension);
  }

 private:
  // Takes what the dimension says about the thing named in `key`.
  void climb(std::string_view name, const DictColumn& key) {
    const auto it = dimensions_.find(name);
    if (it == dimensions_.end() || !key.has(row_)) return;
    const state::Dimension& dimension = it->second;
    const std::string id(key[row_]);
    unknown_ = unknown_ || !dimension.has(id, time_);
    const bool of_event = &key != &batch_.reported_campaign_id;
    const bool placed = batch_.kind == event::Kind::impression || batch_.kind == event::Kind::click;
    if (of_event && placed) {
      take(dimension, id, "ad_group_id", batch_.ad_group_id);
      take(dimension, id, "campaign_id", batch_.campaign_id);
    }
    if (batch_.kind == event::Kind::impression)
      take(dimension, id, "line_item_id", batch_.line_item_id);
    take(dimension, id, "advertiser_id", batch_.advertiser_id);
  }

  void take(const state::Dimension& dimension, std::string_view id, std::string_view attribute,
            DictColumn& column) {
    if (column.has(row_)) return;
    const std::string_view value = dimension.find(id, time_, attribute);
    if (!value.empty()) column.replace(row_, value);
  }

  event::Batch& batch_;
  int64_t row_;
  int64_t time_;
  const state::Dimensions& dimensions_;
  bool unknown_ = false;
};

}  // namespace

void add_hierarchy(event::Batch& batch, const state::Dimensions& dimensions) {
  for (int64_t row = 0; row < batch.rows; ++row) {
    if (!dimensions.empty() && batch.event_time.has(row))
      RowHierarchy(batch, row, dimensions).fill();
    if (!batch.advertiser_id.has(row)) batch.advertiser_id.replace(row, "default");
    if (batch.user_id.has(row))
      batch.person_id.put(row, batch.user_id[row], batch.user_id.hash(row));
    if (batch.kind == event::Kind::impression)
      batch.cost_basis.put(row, batch.cost.has(row) ? "cleared" : "none");
    if (batch.kind == event::Kind::click) batch.joined_by.put(row, "none");  // until it is joined
  }
}

}  // namespace adweave::process
