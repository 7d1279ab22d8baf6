// SPDX-License-Identifier: Apache-2.0
#include "process/join_clicks.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "process/deduplicate.h"

namespace adweave::process {

namespace {

using state::ClickPlace;
using state::Journey;
using state::StringPool;
using state::Touch;
using state::TouchClass;

bool is_click(const Touch& touch) {
  return touch.touch_class == TouchClass::click;
}

void put_fact(event::FactRows& rows, std::string_view event_id, std::string_view advertiser,
              int64_t time, std::string_view fact, std::string_view value, int sign) {
  const int64_t row = rows.rows++;
  rows.event_id.put(row, event_id);
  rows.advertiser_id.put(row, advertiser);
  rows.kind.put(row, event::kind_name(event::Kind::click));
  rows.fact.put(row, fact);
  rows.fact_value.put(row, value);
  rows.sign.put(row, sign);
  rows.event_time.put(row, time);
}

std::string_view truth(bool value) {
  return value ? "true" : "false";
}

}  // namespace

void ClickJoiner::add_impression(const Hash128& advertiser_hash, const Hash128& id) {
  const std::vector<ClickPlace>* waiting = state_.journeys.clicks_on(advertiser_hash, id);
  if (waiting == nullptr) return;
  for (const ClickPlace& click : std::vector<ClickPlace>(*waiting)) {
    const Touch* touch = state_.journeys.touch(click);
    CHECK(touch != nullptr);
    if (touch->impression == StringPool::kNone) join(click, touch->sent_impression);
  }
}

void ClickJoiner::add_click(event::Batch& batch, int64_t row, const ClickPlace& click) {
  is_own_.insert(click);
  if (own_.empty() || own_.back().batch != &batch) own_.push_back({&batch, {}});
  own_.back().rows.emplace_back(row, click);
  const Touch& touch = *state_.journeys.touch(click);
  if (touch.sent_impression == StringPool::kNone || touch.impression != StringPool::kNone) return;
  const Hash128 key = identity_key(event::Kind::impression, batch.advertiser_id[row],
                                   batch.impression_id.hash(row));
  if (state_.ids.find(key)) join(click, touch.sent_impression);
}

void ClickJoiner::finish(event::FactRows& facts) {
  for (size_t i = 0; i < changes_.journeys().size(); ++i)
    join_by_user_and_time(*changes_.journeys()[i]);
  std::set<std::pair<uint32_t, uint32_t>> done;
  for (size_t i = 0; i < queue_.size(); ++i) {
    const auto [advertiser, impression] = queue_[i];
    if (done.emplace(advertiser, impression).second) find_double_clicks(advertiser, impression);
  }
  for (const Own& own : own_) write_rows(own);
  for (const Before& before : before_) {
    if (!is_own_.contains(before.click)) write_facts(facts, before);
  }
}

// Views of the person from the first change on may be of clicks from then on.
void ClickJoiner::join_by_user_and_time(Journey& journey) {
  if (journey.unnamed_clicks == 0) return;
  const int64_t since = Changes::since(journey);
  auto at = journey.touches.partition_point([&](const Touch& t) { return t.time < since; });
  for (; at != journey.touches.end(); ++at) {
    if (!is_click(*at) || at->sent_impression != StringPool::kNone) continue;
    const uint32_t impression = impression_before(journey, *at);
    if (impression != StringPool::kNone && impression != at->impression)
      join({&journey, at->time, at->event_id}, impression);
  }
}

// The latest impression of the click's campaign inside the window; of equal times the smallest id.
uint32_t ClickJoiner::impression_before(const Journey& journey, const Touch& click) const {
  const auto end =
      journey.touches.partition_point([&](const Touch& t) { return t.time <= click.time; });
  const Touch* best = nullptr;
  for (auto at = end; at != journey.touches.begin();) {
    --at;
    if (click.time - at->time >= rules_.click_join_window_us) break;
    if (best != nullptr && at->time < best->time) break;
    if (!is_click(*at) && at->campaign == click.campaign && click.campaign != StringPool::kNone)
      best = &*at;  // of equal times the smallest id stands first
  }
  return best == nullptr ? StringPool::kNone : best->event_id;
}

void ClickJoiner::join(const ClickPlace& click, uint32_t impression) {
  const Touch& touch = remember(click);
  const uint32_t advertiser = click.journey->advertiser;
  if (touch.impression != StringPool::kNone) queue_.emplace_back(advertiser, touch.impression);
  state_.journeys.join(click, impression);
  queue_.emplace_back(advertiser, impression);
}

void ClickJoiner::find_double_clicks(uint32_t advertiser, uint32_t impression) {
  const StringPool& strings = state_.journeys.strings();
  const std::vector<ClickPlace>* known =
      state_.journeys.clicks_on(hash128(strings[advertiser]), hash128(strings[impression]));
  if (known == nullptr) return;
  std::vector<ClickPlace> clicks = *known;
  std::sort(clicks.begin(), clicks.end(), [&](const ClickPlace& a, const ClickPlace& b) {
    return std::pair(a.time, strings[a.event_id]) < std::pair(b.time, strings[b.event_id]);
  });
  const ClickPlace* valid = nullptr;
  for (const ClickPlace& click : clicks) {
    const bool is_double = valid != nullptr && click.time - valid->time < rules_.double_click_us;
    if (!is_double) valid = &click;
    set_double(click, is_double);
  }
}

void ClickJoiner::set_double(const ClickPlace& click, bool is_double) {
  const Touch* touch = state_.journeys.touch(click);
  CHECK(touch != nullptr);
  if (touch->is_double == is_double) return;
  remember(click).is_double = is_double;
  changes_.add(*click.journey, click.time);
}

// The click's touch, to be changed; keeps what was known before the first change.
Touch& ClickJoiner::remember(const ClickPlace& click) {
  Touch* touch = state_.journeys.touch(click);
  CHECK(touch != nullptr);
  if (before_at_.emplace(click, before_.size()).second) {
    before_.push_back(
        {click, touch->impression, touch->joined_by_fact, touch->is_double, touch->double_by_fact});
  }
  return *touch;
}

void ClickJoiner::write_rows(const Own& own) const {
  const StringPool& strings = state_.journeys.strings();
  event::Batch& batch = *own.batch;
  event::IdColumn impressions;  // ids are written in ascending order: the column is made anew
  auto at = own.rows.begin();
  for (int64_t row = 0; row < batch.rows; ++row) {
    if (at == own.rows.end() || at->first != row) {
      if (batch.impression_id.has(row)) impressions.put(row, batch.impression_id[row]);
      continue;
    }
    const Touch& touch = *state_.journeys.touch(at->second);
    ++at;
    const bool joined = touch.impression != StringPool::kNone;
    const bool sent = touch.sent_impression != StringPool::kNone;
    if (joined || sent)
      impressions.put(row, strings[joined ? touch.impression : touch.sent_impression]);
    batch.joined_by.replace(row, !joined ? "none" : sent ? "id" : "user_and_time");
    batch.is_double_click.replace(row, touch.is_double ? 1 : 0);
  }
  batch.impression_id = std::move(impressions);
}

void ClickJoiner::write_facts(event::FactRows& facts, const Before& before) {
  const StringPool& strings = state_.journeys.strings();
  const ClickPlace& click = before.click;
  Touch& touch = *state_.journeys.touch(click);
  const auto put = [&](std::string_view fact, std::string_view value, int sign) {
    put_fact(facts, strings[click.event_id], strings[click.journey->advertiser], click.time, fact,
             value, sign);
  };
  if (touch.impression != before.impression) {
    if (before.joined_by_fact) put("joined_impression", strings[before.impression], -1);
    put("joined_impression", strings[touch.impression], 1);
    touch.joined_by_fact = true;
  }
  if (touch.is_double != before.is_double) {
    if (before.double_by_fact) put("double_click", truth(before.is_double), -1);
    put("double_click", truth(touch.is_double), 1);
    touch.double_by_fact = true;
  }
}

}  // namespace adweave::process
