// SPDX-License-Identifier: Apache-2.0
#include "state/journeys.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace adweave::state {

Hash128 Journeys::key_of(const Hash128& person, std::string_view advertiser) {
  return combine(hash128(advertiser), person);
}

Journey& Journeys::of(const Hash128& person, std::string_view advertiser) {
  Journey& journey = journeys_[key_of(person, advertiser)];
  if (journey.advertiser == StringPool::kNone) journey.advertiser = strings_.code_of(advertiser);
  return journey;
}

bool CreditOrder::operator()(const Credit& a, const Credit& b) const {
  const auto key = [this](const Credit& c) {
    return std::tuple<const std::string&, const std::string&, const std::string&,
                      const std::string&, const std::string&, int64_t, int64_t, int64_t, int64_t>(
        strings[c.policy], strings[c.model], strings[c.touch], strings[c.reason],
        strings[c.currency], c.credit, c.value, c.path_position, c.path_length);
  };
  return key(a) < key(b);
}

namespace {

// The least bytes that a saved touch or conversion has.
constexpr size_t kTouchBytes = sizeof(int64_t) + 4 + 8 * sizeof(uint32_t);
constexpr size_t kConversionBytes = 2 * sizeof(int64_t) + 4 * sizeof(uint32_t) + sizeof(uint64_t);

void save_touch(ByteWriter& out, const Touch& touch) {
  out.number(touch.time);
  out.number(touch.touch_class);
  for (const bool flag : {touch.joined_by_fact, touch.is_double, touch.double_by_fact})
    out.number(static_cast<uint8_t>(flag ? 1 : 0));
  for (const uint32_t code :
       {touch.event_id, touch.campaign, touch.ad_group, touch.creative, touch.placement,
        touch.website, touch.sent_impression, touch.impression}) {
    out.number(code);
  }
}

Touch load_touch(ByteReader& in) {
  Touch touch;
  touch.time = in.number<int64_t>();
  touch.touch_class = in.number<TouchClass>();
  for (bool* flag : {&touch.joined_by_fact, &touch.is_double, &touch.double_by_fact})
    *flag = in.number<uint8_t>() != 0;
  for (uint32_t* code :
       {&touch.event_id, &touch.campaign, &touch.ad_group, &touch.creative, &touch.placement,
        &touch.website, &touch.sent_impression, &touch.impression}) {
    *code = in.number<uint32_t>();
  }
  return touch;
}

void save_conversion(ByteWriter& out, const Conversion& conversion) {
  out.number(conversion.time);
  out.number(conversion.value);
  for (const uint32_t code :
       {conversion.event_id, conversion.type, conversion.currency, conversion.reported_campaign}) {
    out.number(code);
  }
  out.number(static_cast<uint64_t>(conversion.credits.size()));
  for (const Credit& credit : conversion.credits) {
    for (const uint32_t code :
         {credit.touch, credit.reason, credit.policy, credit.model, credit.currency})
      out.number(code);
    for (const int64_t n : {credit.credit, credit.value, credit.path_position, credit.path_length})
      out.number(n);
  }
}

Conversion load_conversion(ByteReader& in) {
  Conversion conversion;
  conversion.time = in.number<int64_t>();
  conversion.value = in.number<int64_t>();
  for (uint32_t* code : {&conversion.event_id, &conversion.type, &conversion.currency,
                         &conversion.reported_campaign}) {
    *code = in.number<uint32_t>();
  }
  for (uint64_t left = in.count(sizeof(uint32_t)); left > 0; --left) {
    Credit& credit = conversion.credits.emplace_back();
    for (uint32_t* code :
         {&credit.touch, &credit.reason, &credit.policy, &credit.model, &credit.currency})
      *code = in.number<uint32_t>();
    for (int64_t* n : {&credit.credit, &credit.value, &credit.path_position, &credit.path_length}) {
      *n = in.number<int64_t>();
    }
  }
  return conversion;
}

void save_adjustment(ByteWriter& out, const Adjustment& adjustment) {
  out.number(static_cast<uint8_t>(adjustment.retracted ? 1 : 0));
  for (const int64_t n : {adjustment.time, adjustment.value}) out.number(n);
  for (const uint32_t code : {adjustment.event_id, adjustment.currency}) out.number(code);
}

Adjustment load_adjustment(ByteReader& in) {
  Adjustment adjustment;
  adjustment.retracted = in.number<uint8_t>() != 0;
  for (int64_t* n : {&adjustment.time, &adjustment.value}) *n = in.number<int64_t>();
  for (uint32_t* code : {&adjustment.event_id, &adjustment.currency}) *code = in.number<uint32_t>();
  return adjustment;
}

// Inserts by (time, event id); false when an item with both is there.
template <class Item>
bool insert_in_order(std::vector<Item>& items, Item item, const StringPool& strings) {
  const auto before = [&](const Item& a, const Item& b) {
    return std::tie(a.time, strings[a.event_id]) < std::tie(b.time, strings[b.event_id]);
  };
  const auto at = std::lower_bound(items.begin(), items.end(), item, before);
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
  by_conversion_[key_of(hash128(strings_[conversion.event_id]), strings_[journey.advertiser])] =
      &journey;
  return insert_in_order(journey.conversions, std::move(conversion), strings_);
}

void Journeys::index_click(Journey& journey, const Touch& touch) {
  const std::string& advertiser = strings_[journey.advertiser];
  by_click_[key_of(hash128(strings_[touch.event_id]), advertiser)] = &journey;
  const uint32_t impression =
      touch.impression != StringPool::kNone ? touch.impression : touch.sent_impression;
  if (impression == StringPool::kNone) return;
  by_impression_[key_of(hash128(strings_[impression]), advertiser)].push_back(
      {&journey, touch.time, touch.event_id});
}

const std::vector<ClickPlace>* Journeys::clicks_on(std::string_view advertiser,
                                                   const Hash128& impression) const {
  if (by_impression_.empty()) return nullptr;
  const auto it = by_impression_.find(key_of(impression, advertiser));
  return it == by_impression_.end() ? nullptr : &it->second;
}

void Journeys::join(const ClickPlace& click, uint32_t impression) {
  Touch& touch = *this->touch(click);
  const std::string& advertiser = strings_[click.journey->advertiser];
  if (touch.sent_impression == StringPool::kNone) {  // else it stands with the sent one
    const auto clicks = [&](uint32_t id) -> std::vector<ClickPlace>& {
      return by_impression_[key_of(hash128(strings_[id]), advertiser)];
    };
    if (touch.impression != StringPool::kNone) std::erase(clicks(touch.impression), click);
    clicks(impression).push_back(click);
  }
  touch.impression = impression;
}

bool Journeys::adjust(std::string_view advertiser, std::string_view conversion_id,
                      const Adjustment& said) {
  Adjustment& now = adjustments_[key_of(hash128(conversion_id), advertiser)];
  const Adjustment before = now;
  now.retracted = now.retracted || said.retracted;
  const bool later =
      std::tie(said.time, strings_[said.event_id]) > std::tie(now.time, strings_[now.event_id]);
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
  const auto it = adjustments_.find(
      key_of(hash128(strings_[conversion.event_id]), strings_[journey.advertiser]));
  return it == adjustments_.end() ? nullptr : &it->second;
}

Touch* Journeys::touch(const ClickPlace& place) {
  std::vector<Touch>& touches = place.journey->touches;
  auto at = std::lower_bound(touches.begin(), touches.end(), place.time,
                             [](const Touch& touch, int64_t time) { return touch.time < time; });
  for (; at != touches.end() && at->time == place.time; ++at) {
    if (at->event_id == place.event_id) return &*at;
  }
  return nullptr;
}

void Journeys::save(ByteWriter& out) const {
  strings_.save(out);
  std::vector<std::pair<Hash128, const Journey*>> sorted;
  sorted.reserve(journeys_.size());
  for (const auto& [key, journey] : journeys_) sorted.emplace_back(key, &journey);
  std::sort(sorted.begin(), sorted.end());
  out.number(static_cast<uint64_t>(sorted.size()));
  for (const auto& [key, journey] : sorted) {
    out.number(key);
    out.number(journey->advertiser);
    out.number(static_cast<uint64_t>(journey->touches.size()));
    for (const Touch& touch : journey->touches) save_touch(out, touch);
    out.number(static_cast<uint64_t>(journey->conversions.size()));
    for (const Conversion& conversion : journey->conversions) save_conversion(out, conversion);
  }
  const std::map<Hash128, Adjustment> adjustments(adjustments_.begin(), adjustments_.end());
  out.number(static_cast<uint64_t>(adjustments.size()));
  for (const auto& [key, adjustment] : adjustments) {
    out.number(key);
    save_adjustment(out, adjustment);
  }
}

void Journeys::load(ByteReader& in) {
  strings_.load(in);
  for (uint64_t left = in.count(sizeof(Hash128)); left > 0; --left) {
    Journey& journey = journeys_[in.number<Hash128>()];
    journey.advertiser = in.number<uint32_t>();
    for (uint64_t touches = in.count(kTouchBytes); touches > 0; --touches)
      add(journey, load_touch(in));
    for (uint64_t conversions = in.count(kConversionBytes); conversions > 0; --conversions) {
      add(journey, load_conversion(in));
    }
  }
  for (uint64_t left = in.count(sizeof(Hash128)); left > 0; --left) {
    Adjustment& adjustment = adjustments_[in.number<Hash128>()];
    adjustment = load_adjustment(in);
  }
}

Journey* Journeys::with_conversion(std::string_view advertiser, std::string_view event_id) {
  const auto it = by_conversion_.find(key_of(hash128(event_id), advertiser));
  return it == by_conversion_.end() ? nullptr : it->second;
}

Journey* Journeys::with_click(std::string_view advertiser, std::string_view event_id) {
  const auto it = by_click_.find(key_of(hash128(event_id), advertiser));
  return it == by_click_.end() ? nullptr : it->second;
}

Conversion* Journeys::conversion(Journey& journey, uint32_t event_id) {
  for (Conversion& conversion : journey.conversions) {
    if (conversion.event_id == event_id) return &conversion;
  }
  return nullptr;
}

}  // namespace adweave::state
