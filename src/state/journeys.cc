// SPDX-License-Identifier: Apache-2.0
#include "state/journeys.h"

#include <algorithm>
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
    return std::tuple<const std::string&, const std::string&, int64_t, int64_t, int64_t, int64_t>(
        strings[c.touch], strings[c.reason], c.credit, c.value, c.path_position, c.path_length);
  };
  return key(a) < key(b);
}

namespace {

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
