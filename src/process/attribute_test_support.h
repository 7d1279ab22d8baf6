// SPDX-License-Identifier: Apache-2.0
// Events of one person and the commits that they come in, for the tests of attribution.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/check.h"
#include "process/attribute.h"
#include "process/deduplicate.h"
#include "state/snapshot.h"
#include "tests/support/times.h"

namespace adweave::process {

using event::Batch;
using event::Kind;

using tests::kNoon;

// One event of person "p" of advertiser "a".
inline Batch event_of(Kind kind, const std::string& id, int64_t time, const char* person = "p") {
  Batch batch(kind);
  batch.rows = 1;
  batch.event_id.put(0, id);
  batch.event_time.put(0, time);
  batch.advertiser_id.put(0, "a");
  if (person != nullptr) batch.person_id.put(0, person);
  if (kind == Kind::conversion) {
    batch.conversion_type.put(0, "purchase");
    batch.value.put(0, 100);
    batch.currency.put(0, "EUR");
  } else {
    batch.campaign_id.put(0, "campaign of " + id);
  }
  return batch;
}

inline Batch impression(const std::string& id, int64_t time, bool viewable = false) {
  Batch batch = event_of(Kind::impression, id, time);
  if (viewable) batch.viewable.put(0, 1);
  return batch;
}
inline Batch click(const std::string& id, int64_t time) {
  return event_of(Kind::click, id, time);
}
inline Batch conversion(const std::string& id, int64_t time) {
  return event_of(Kind::conversion, id, time);
}

// Net rows of credits_log: (conversion, touch, reason, credit, value, path) -> how often.
using Net = std::map<std::string, int64_t>;

inline void add_net(Net& net, const event::CreditRows& rows) {
  for (int64_t i = 0; i < rows.rows; ++i) {
    std::string key;
    for (const std::string_view part :
         {rows.conversion_id[i], rows.touch_id.value_or(i, "-"), rows.touch_kind.value_or(i, "-"),
          rows.reason[i], rows.campaign_id.value_or(i, "-")}) {
      key.append(part).append(" ");
    }
    for (const int64_t number : {rows.credit[i], rows.value[i], rows.path_position.value_or(i, 0),
                                 rows.path_length.value_or(i, 0), rows.lag_us.value_or(i, -1)}) {
      key.append(std::to_string(number)).append(" ");
    }
    if ((net[key] += rows.sign[i]) == 0) net.erase(key);
  }
}

// A ledger without files: commits of accepted rows, and the state that follows them.
class Commits {
 public:
  Attribution commit(std::vector<Batch> rows) {
    std::vector<Batch*> batches;
    ++head_;
    for (Batch& batch : rows) {
      batch.commit.put(0, head_);
      remember_id(batch);
      batches.push_back(&batch);
    }
    Attribution made = attribute(batches, rules, open_from, *state_);
    add_net(credits, made.credits);
    for (Batch& batch : rows) rows_.push_back(std::move(batch));
    log_.push_back(made);
    for (int64_t i = 0; i < made.facts.rows; ++i) log_.back().facts.commit.put(i, head_);
    for (int64_t i = 0; i < made.credits.rows; ++i) log_.back().credits.commit.put(i, head_);
    return made;
  }

  // Begins a snapshot of the state, or writes some more bytes of it.
  void snapshot(int64_t bytes) {
    if (!pieces_) {
      unfinished_.clear();
      pieces_ = std::make_unique<state::SnapshotPieces>(*state_, [this](std::string_view piece) {
        unfinished_ += piece;
        return Status();
      });
    }
    if (!pieces_->write(head_, bytes).value()) return;
    CHECK(pieces_->end("commit"));
    pieces_.reset();
    snapshot_ = unfinished_;
  }

  // State anew from what was committed, or from the last snapshot and what was committed since.
  void rebuild() {
    pieces_.reset();
    state::Snapshot snapshot{state::AsOf(), std::make_unique<state::State>()};
    if (!snapshot_.empty()) snapshot = state::from_snapshot(snapshot_, "commit");
    state_ = std::move(snapshot.state);
    const state::AsOf& as_of = snapshot.as_of;
    snapshots_used += as_of.least() > 0;
    for (const Batch& batch : rows_) {
      remember_id(batch);
      remember_journeys(state_->journeys, batch, as_of);
    }
    for (const Attribution& made : log_) {
      remember_facts(state_->journeys, made.facts, as_of);
      remember_credits(state_->journeys, made.credits, as_of);
    }
  }

  // What holds of every click now: "impression double".
  std::map<std::string, std::string> clicks() const {
    std::map<std::string, std::string> joined;
    std::map<std::string, std::string> doubles;
    for (const Batch& batch : rows_) {
      if (batch.kind != Kind::click) continue;
      const std::string id(batch.event_id[0]);
      const bool found = batch.joined_by[0] != "none";
      joined[id] = found ? std::string(batch.impression_id[0]) : "-";
      doubles[id] = batch.is_double_click[0] != 0 ? "true" : "false";
    }
    for (const Attribution& made : log_) {
      for (int64_t i = 0; i < made.facts.rows; ++i) {
        const std::string id(made.facts.event_id[i]);
        std::string& now = made.facts.fact[i] == "double_click" ? doubles[id] : joined[id];
        const std::string value(made.facts.fact_value[i]);
        if (made.facts.sign[i] > 0) {
          now = value;
        } else {
          EXPECT_EQ(now, value) << id;
        }
      }
    }
    for (auto& [id, text] : joined) text += " " + doubles[id];
    return joined;
  }

  AttributionRules rules;
  std::optional<int64_t> open_from;
  Net credits;
  int64_t snapshots_used = 0;

 private:
  void remember_id(const Batch& batch) {
    const Hash128 key = identity_key(batch.kind, "a", batch.event_id.hash(0));
    if (!state_->ids.find(key)) state_->ids.insert(key, {});
  }

  std::unique_ptr<state::State> state_ = std::make_unique<state::State>();
  std::unique_ptr<state::SnapshotPieces> pieces_;
  std::string unfinished_;
  std::string snapshot_;
  int64_t head_ = 0;
  std::vector<Batch> rows_;
  std::vector<Attribution> log_;
};

}  // namespace adweave::process
