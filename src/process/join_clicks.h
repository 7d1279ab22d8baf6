// SPDX-License-Identifier: Apache-2.0
// Which impression a click is of, and which clicks are double clicks (semantics c.5 rules 4 and 6).
// Both are functions of the events, not of the order in which they arrive: what a commit finds out
// about its own clicks is put into their rows, about earlier ones into facts.
//
// A click that names its impression is joined to it once it is accepted (the same advertiser's).
// One that names none is joined to the latest impression of its person, advertiser and campaign
// within click_join_window_us before it. Of the clicks on one impression each that is less than
// double_click_us after the last valid one is a double click.
#pragma once

#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "event/batch.h"
#include "process/changes.h"
#include "process/credit_models.h"
#include "state/state.h"

namespace adweave::process {

class ClickJoiner {
 public:
  ClickJoiner(const AttributionRules& rules, state::State& state, Changes& changes)
      : rules_(rules), state_(state), changes_(changes) {}

  // Rows of this commit, batch by batch. A click's touch is in its journey already.
  void add_impression(const Hash128& advertiser_hash, const Hash128& id);
  void add_click(event::Batch& batch, int64_t row, const state::ClickPlace& click);

  // After all rows: joins, finds double clicks, fills impression_id, joined_by and is_double_click
  // of the commit's clicks and appends what is new about others. Adds the journeys of clicks that
  // became or ceased to be double to the changes.
  void finish(event::FactRows& facts);

 private:
  struct Own {  // the clicks of a batch of this commit
    event::Batch* batch;
    std::vector<std::pair<int64_t, state::ClickPlace>> rows;  // ascending
  };
  struct Before {  // what was known of a click
    state::ClickPlace click;
    uint32_t impression;
    bool joined_by_fact;
    bool is_double;
    bool double_by_fact;
  };

  void join_by_user_and_time(state::Journey& journey);
  uint32_t impression_before(const state::Journey& journey, const state::Touch& click) const;
  void join(const state::ClickPlace& click, uint32_t impression);
  void find_double_clicks(uint32_t advertiser, uint32_t impression);
  void set_double(const state::ClickPlace& click, bool is_double);
  state::Touch& remember(const state::ClickPlace& click);
  void write_rows(const Own& own) const;
  void write_facts(event::FactRows& facts, const Before& before);

  struct PlaceHash {
    size_t operator()(const state::ClickPlace& click) const {
      return std::hash<const void*>()(click.journey) * 31 + click.event_id;
    }
  };

  const AttributionRules& rules_;
  state::State& state_;
  Changes& changes_;
  std::vector<Own> own_;
  std::unordered_set<state::ClickPlace, PlaceHash> is_own_;
  std::vector<Before> before_;  // of clicks that change, in the order of their first change
  std::unordered_map<state::ClickPlace, size_t, PlaceHash> before_at_;
  // Impressions whose clicks have changed: (advertiser, id).
  std::vector<std::pair<uint32_t, uint32_t>> queue_;
};

}  // namespace adweave::process
