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

void Journeys::add(Journey& journey, const Touch& touch) {
  const auto before = [this](const Touch& a, const Touch& b) {
    return std::tie(a.time, strings_[a.event_id]) < std::tie(b.time, strings_[b.event_id]);
  };
  auto& touches = journey.touches;
  touches.insert(std::upper_bound(touches.begin(), touches.end(), touch, before), touch);
}

Conversion& Journeys::add(Journey& journey, Conversion conversion) {
  const auto before = [this](const Conversion& a, const Conversion& b) {
    return std::tie(a.time, strings_[a.event_id]) < std::tie(b.time, strings_[b.event_id]);
  };
  by_conversion_[key_of(hash128(strings_[conversion.event_id]), strings_[journey.advertiser])] =
      &journey;
  auto& conversions = journey.conversions;
  const auto at = std::upper_bound(conversions.begin(), conversions.end(), conversion, before);
  return *conversions.insert(at, std::move(conversion));
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
