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
                      const std::string&, int64_t, int64_t, int64_t, int64_t>(
        strings[c.policy], strings[c.model], strings[c.touch], strings[c.reason], c.credit, c.value,
        c.path_position, c.path_length);
  };
  return key(a) < key(b);
}

namespace {

// The least bytes that a saved touch or conversion has.
constexpr size_t kTouchBytes = sizeof(int64_t) + 1 + 6 * sizeof(uint32_t);
constexpr size_t kConversionBytes = 2 * sizeof(int64_t) + 4 * sizeof(uint32_t) + sizeof(uint64_t);

void save_touch(ByteWriter& out, const Touch& touch) {
  out.number(touch.time);
  out.number(touch.touch_class);
  for (const uint32_t code : {touch.event_id, touch.campaign, touch.ad_group, touch.creative,
                              touch.placement, touch.website}) {
    out.number(code);
  }
}

Touch load_touch(ByteReader& in) {
  Touch touch;
  touch.time = in.number<int64_t>();
  touch.touch_class = in.number<TouchClass>();
  for (uint32_t* code : {&touch.event_id, &touch.campaign, &touch.ad_group, &touch.creative,
                         &touch.placement, &touch.website}) {
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
    for (const uint32_t code : {credit.touch, credit.reason, credit.policy, credit.model})
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
    for (uint32_t* code : {&credit.touch, &credit.reason, &credit.policy, &credit.model})
      *code = in.number<uint32_t>();
    for (int64_t* n : {&credit.credit, &credit.value, &credit.path_position, &credit.path_length}) {
      *n = in.number<int64_t>();
    }
  }
  return conversion;
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
  return insert_in_order(journey.touches, touch, strings_);
}

bool Journeys::add(Journey& journey, Conversion conversion) {
  by_conversion_[key_of(hash128(strings_[conversion.event_id]), strings_[journey.advertiser])] =
      &journey;
  return insert_in_order(journey.conversions, std::move(conversion), strings_);
}

void Journeys::save(ByteWriter& out) const {
  strings_.save(out);
  std::map<Hash128, const Journey*> sorted;
  for (const auto& [key, journey] : journeys_) sorted.emplace(key, &journey);
  out.number(static_cast<uint64_t>(sorted.size()));
  for (const auto& [key, journey] : sorted) {
    out.number(key);
    out.number(journey->advertiser);
    out.number(static_cast<uint64_t>(journey->touches.size()));
    for (const Touch& touch : journey->touches) save_touch(out, touch);
    out.number(static_cast<uint64_t>(journey->conversions.size()));
    for (const Conversion& conversion : journey->conversions) save_conversion(out, conversion);
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
}

Journey* Journeys::with_conversion(std::string_view advertiser, std::string_view event_id) {
  const auto it = by_conversion_.find(key_of(hash128(event_id), advertiser));
  return it == by_conversion_.end() ? nullptr : it->second;
}

Conversion* Journeys::conversion(Journey& journey, uint32_t event_id) {
  for (Conversion& conversion : journey.conversions) {
    if (conversion.event_id == event_id) return &conversion;
  }
  return nullptr;
}

}  // namespace adweave::state
