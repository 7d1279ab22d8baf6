// SPDX-License-Identifier: Apache-2.0
#include "state/journeys.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace adweave::state {

Journey& Journeys::of(const Hash128& key, const Advertiser& advertiser) {
  const auto next = static_cast<uint32_t>(journeys_.size());
  const uint32_t number = index_.find_or_add(
      key.low, next, [&](uint32_t known) { return journeys_[known].key == key; });
  if (number != next) return journeys_[number];
  Journey& journey = journeys_.add();
  journey.key = key;
  journey.advertiser = advertiser.code;
  return journey;
}

bool CreditOrder::operator()(const Credit& a, const Credit& b) const {
  const auto key = [this](const Credit& c) {
    return std::tuple(strings[c.policy], strings[c.model], strings[c.touch], strings[c.reason],
                      strings[c.currency], c.credit, c.value, c.path_position, c.path_length);
  };
  return key(a) < key(b);
}

namespace {

// The least bytes that a saved touch or conversion has.
constexpr size_t kTouchBytes = sizeof(int64_t) + 4 + 8 * sizeof(uint32_t);
constexpr size_t kConversionBytes = 2 * sizeof(int64_t) + 4 * sizeof(uint32_t) + sizeof(uint64_t);

void save_touch(ByteWriter& out, const Touch& t) {
  out.numbers(t.time, t.touch_class, t.joined_by_fact, t.is_double, t.double_by_fact, t.event_id,
              t.campaign, t.ad_group, t.creative, t.placement, t.website, t.sent_impression,
              t.impression);
}

Touch load_touch(ByteReader& in) {
  Touch t;
  in.numbers(t.time, t.touch_class, t.joined_by_fact, t.is_double, t.double_by_fact, t.event_id,
             t.campaign, t.ad_group, t.creative, t.placement, t.website, t.sent_impression,
             t.impression);
  return t;
}

void save_conversion(ByteWriter& out, const Conversion& conversion) {
  const Conversion& c = conversion;
  out.numbers(c.time, c.value, c.event_id, c.type, c.currency, c.reported_campaign,
              static_cast<uint64_t>(c.credits.size()));
  for (const Credit& credit : c.credits) {
    out.numbers(credit.touch, credit.reason, credit.policy, credit.model, credit.currency,
                credit.credit, credit.value, credit.path_position, credit.path_length);
  }
}

Conversion load_conversion(ByteReader& in) {
  Conversion c;
  in.numbers(c.time, c.value, c.event_id, c.type, c.currency, c.reported_campaign);
  for (uint64_t left = in.count(sizeof(uint32_t)); left > 0; --left) {
    Credit& credit = c.credits.emplace_back();
    in.numbers(credit.touch, credit.reason, credit.policy, credit.model, credit.currency,
               credit.credit, credit.value, credit.path_position, credit.path_length);
  }
  return c;
}

void save_adjustment(ByteWriter& out, const Adjustment& a) {
  out.numbers(a.retracted, a.time, a.value, a.event_id, a.currency);
}

Adjustment load_adjustment(ByteReader& in) {
  Adjustment a;
  in.numbers(a.retracted, a.time, a.value, a.event_id, a.currency);
  return a;
}

// Where an item of that time and event id is, or would come.
template <class List>
auto place_of(List& items, int64_t time, uint32_t event_id, const StringPool& strings) {
  const std::string_view id = strings[event_id];
  return items.partition_point([&](const auto& item) {
    return item.time != time ? item.time < time : strings[item.event_id] < id;
  });
}

// Inserts by (time, event id); false when an item with both is there. Most are the latest.
template <class Item>
bool insert_in_order(OrderedList<Item>& items, Item item, const StringPool& strings) {
  if (items.empty() || items.back().time < item.time) {
    items.push_back(std::move(item));
    return true;
  }
  const auto at = place_of(items, item.time, item.event_id, strings);
  if (at != items.end() && at->time == item.time && at->event_id == item.event_id) return false;
  items.insert(at, std::move(item));
  return true;
}

}  // namespace

bool Journeys::add(Journey& journey, const Touch& touch) {
  if (!insert_in_order(journey.touches, touch, strings_)) return false;
  if (touch.touch_class == TouchClass::click) index_click(journey, touch);
  return true;
}

bool Journeys::add(Journey& journey, Conversion conversion) {
  by_conversion_[key_of(conversion.event_id, journey.advertiser)] = &journey;
  return insert_in_order(journey.conversions, std::move(conversion), strings_);
}

void Journeys::index_click(Journey& journey, const Touch& touch) {
  if (touch.sent_impression == StringPool::kNone) ++journey.unnamed_clicks;
  by_click_[key_of(touch.event_id, journey.advertiser)] = &journey;
  const uint32_t impression =
      touch.impression != StringPool::kNone ? touch.impression : touch.sent_impression;
  if (impression == StringPool::kNone) return;
  by_impression_[key_of(impression, journey.advertiser)].push_back(
      {&journey, touch.time, touch.event_id});
}

const std::vector<ClickPlace>* Journeys::clicks_on(const Hash128& advertiser_hash,
                                                   const Hash128& impression) const {
  if (by_impression_.empty()) return nullptr;
  const auto it = by_impression_.find(key_of(impression, advertiser_hash));
  return it == by_impression_.end() ? nullptr : &it->second;
}

void Journeys::join(const ClickPlace& click, uint32_t impression) {
  Touch& touch = *this->touch(click);
  if (touch.sent_impression == StringPool::kNone) {  // else it stands with the sent one
    const auto clicks = [&](uint32_t id) -> std::vector<ClickPlace>& {
      return by_impression_[key_of(id, click.journey->advertiser)];
    };
    if (touch.impression != StringPool::kNone) std::erase(clicks(touch.impression), click);
    clicks(impression).push_back(click);
  }
  touch.impression = impression;
}

bool Journeys::adjust(std::string_view advertiser, std::string_view conversion_id,
                      const Adjustment& said) {
  Adjustment& now = adjustments_[key_of(hash128(conversion_id), hash128(advertiser))];
  const Adjustment before = now;
  now.retracted = now.retracted || said.retracted;
  const bool later =
      std::pair(said.time, strings_[said.event_id]) > std::pair(now.time, strings_[now.event_id]);
  if (said.event_id != StringPool::kNone && (now.event_id == StringPool::kNone || later)) {
    const bool retracted = now.retracted;
    now = said;
    now.retracted = retracted;
  }
  return now.retracted != before.retracted || now.event_id != before.event_id;
}

const Adjustment* Journeys::adjustment_of(const Journey& journey,
                                          const Conversion& conversion) const {
  if (adjustments_.empty()) return nullptr;
  const auto it = adjustments_.find(key_of(conversion.event_id, journey.advertiser));
  return it == adjustments_.end() ? nullptr : &it->second;
}

Touch* Journeys::touch(const ClickPlace& place) {
  OrderedList<Touch>& touches = place.journey->touches;
  const auto at = place_of(touches, place.time, place.event_id, strings_);
  const bool has_it =
      at != touches.end() && at->time == place.time && at->event_id == place.event_id;
  return has_it ? &*at : nullptr;
}

uint32_t Journeys::number_of(const Journey& journey) const {
  return index_.find(journey.key.low,
                     [&](uint32_t known) { return journeys_[known].key == journey.key; });
}

void Journeys::save_journey(ByteWriter& out, size_t number) const {
  const Journey& journey = journeys_[number];
  out.numbers(journey.key, journey.advertiser, static_cast<uint64_t>(journey.touches.size()));
  for (const Touch& touch : journey.touches) save_touch(out, touch);
  out.number(static_cast<uint64_t>(journey.conversions.size()));
  for (const Conversion& conversion : journey.conversions) save_conversion(out, conversion);
}

void Journeys::load_journey(ByteReader& in) {
  const auto key = in.number<Hash128>();
  Journey& journey = of(key, Advertiser{in.number<uint32_t>(), {}});
  for (uint64_t touches = in.count(kTouchBytes); touches > 0; --touches)
    add(journey, load_touch(in));
  for (uint64_t conversions = in.count(kConversionBytes); conversions > 0; --conversions) {
    add(journey, load_conversion(in));
  }
}

void Journeys::save_adjustments(ByteWriter& out) const {
  const std::map<Hash128, Adjustment> adjustments(adjustments_.begin(), adjustments_.end());
  out.number(static_cast<uint64_t>(adjustments.size()));
  for (const auto& [key, adjustment] : adjustments) {
    out.number(key);
    save_adjustment(out, adjustment);
  }
}

void Journeys::load_adjustments(ByteReader& in) {
  for (uint64_t left = in.count(sizeof(Hash128)); left > 0; --left) {
    Adjustment& adjustment = adjustments_[in.number<Hash128>()];
    adjustment = load_adjustment(in);
  }
}

Journey* Journeys::with_conversion(std::string_view advertiser, std::string_view event_id) {
  const auto it = by_conversion_.find(key_of(hash128(event_id), hash128(advertiser)));
  return it == by_conversion_.end() ? nullptr : it->second;
}

Journey* Journeys::with_click(std::string_view advertiser, std::string_view event_id) {
  const auto it = by_click_.find(key_of(hash128(event_id), hash128(advertiser)));
  return it == by_click_.end() ? nullptr : it->second;
}

Conversion* Journeys::conversion(Journey& journey, uint32_t event_id) {
  for (Conversion& conversion : journey.conversions) {
    if (conversion.event_id == event_id) return &conversion;
  }
  return nullptr;
}

}  // namespace adweave::state
