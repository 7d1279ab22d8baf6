// SPDX-License-Identifier: Apache-2.0
// Rows of the event tables as touches, conversions and adjustments of journeys. Inside process/
// only.
#pragma once

#include <cstdint>
#include <vector>

#include "event/batch.h"
#include "state/journeys.h"

namespace adweave::process {

// A row that is in a journey now.
struct Taken {
  state::Journey* journey = nullptr;  // null: it is of no journey, or was there already
  int64_t time = 0;                   // from which on the journey has changed
  uint32_t event_id = 0;
};

// Codes in the pool of a dictionary column's values: each is looked up once.
class PoolCodes {
 public:
  PoolCodes(state::StringPool& strings, const event::DictColumn& column)
      : strings_(strings),
        column_(column),
        codes_(static_cast<size_t>(column.dictionary().size()), kUnknown) {}

  uint32_t of(int64_t row) {
    if (!column_.has(row)) return state::StringPool::kNone;
    uint32_t& code = codes_[static_cast<size_t>(column_.code(row))];
    if (code == kUnknown) code = strings_.code_of(column_[row]);
    return code;
  }

 private:
  static constexpr uint32_t kUnknown = UINT32_MAX;

  state::StringPool& strings_;
  const event::DictColumn& column_;
  std::vector<uint32_t> codes_;
};

// The rows of one batch, taken into their journeys one after the other.
class JourneyRows {
 public:
  // Whether rows of the kind are in journeys.
  static bool has(event::Kind kind);

  // Of a kind that has() them.
  JourneyRows(state::Journeys& journeys, const event::Batch& batch);

  // Impressions of nobody are in no journey: they can win nothing (semantics c.5 rule 13). Clicks
  // and conversions of nobody have a journey of their own. An adjustment changes the journey of the
  // conversion it names, if that has come.
  Taken take(int64_t row);
  const state::Advertiser& advertiser(int64_t row);

 private:
  Hash128 key(int64_t row);
  void look_ahead(int64_t row);
  state::Touch touch(int64_t row, uint32_t event_id);
  state::Conversion conversion(int64_t row, uint32_t event_id);
  Taken adjust(int64_t row);

  state::Journeys& journeys_;
  state::StringPool& strings_;
  const event::Batch& batch_;
  std::vector<state::Advertiser> advertisers_;  // by code
  std::vector<Hash128> keys_;                   // of the rows' journeys
  PoolCodes campaign_;
  PoolCodes ad_group_;
  PoolCodes creative_;
  PoolCodes placement_;
  PoolCodes website_;
  PoolCodes conversion_type_;
  PoolCodes currency_;
  PoolCodes reported_campaign_;
};

}  // namespace adweave::process
