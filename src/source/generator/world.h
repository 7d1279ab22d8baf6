// SPDX-License-Identifier: Apache-2.0
// The advertisers, campaigns and creatives of the generated platform, and the events that happen
// there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time_zone.h"
#include "source/generator/random.h"

namespace adweave::source {

// One valid event, with the fields its kind has.
struct TrueEvent {
  enum class Kind { impression, click, conversion, bid_request, auction_outcome };
  Kind kind = Kind::impression;
  std::string id;
  int64_t time_us = 0;
  std::string user;  // empty: unknown
  int64_t advertiser = 0;
  int64_t campaign = 0;
  std::string creative;
  std::string impression_id;  // of a click
  std::string auction_id;
  std::string website;
  std::string user_agent;
  std::string type;      // conversion type, or auction outcome
  int64_t amount = 0;    // nanos: cost, value, bid or price
  std::string currency;  // empty: no amount
  bool viewable = false;
  int64_t time_on_ad_ms = 0;
  int64_t utc_offset_us = 0;  // of the advertiser's zone at that time
};

class World {
 public:
  static constexpr int64_t kAdvertisers = 5;
  static constexpr int64_t kCampaigns = 12;
  static constexpr int64_t kAdGroupsPerCampaign = 2;
  static constexpr int64_t kCreativesPerAdGroup = 3;

  // `zones` are those of advertiser_zones().
  World(uint64_t seed, int64_t start_us, int64_t hours, int64_t events,
        std::vector<TimeZone> zones);

  // Fails with config when this machine has no tz database.
  static Result<std::vector<TimeZone>> advertiser_zones();

  // The events of one ad opportunity: a bid request, and what came of it. Time runs through the
  // period.
  std::vector<TrueEvent> next();

  // CSV text of a dimension file: advertisers, campaigns, ad_groups, creatives.
  std::string dimension_csv(std::string_view name) const;

  static std::string campaign_id(int64_t campaign);

 private:
  struct Visit;
  int64_t next_time();
  std::string new_id(std::string_view prefix);
  void add_impression(std::vector<TrueEvent>& events, const Visit& visit);
  void add_click(std::vector<TrueEvent>& events, const TrueEvent& impression);
  void add_conversion(std::vector<TrueEvent>& events, const TrueEvent& touch);

  Random random_;
  std::vector<TimeZone> zones_;  // by advertiser
  int64_t start_us_;
  int64_t length_us_;
  int64_t users_;
  uint64_t ids_ = 0;
};

}  // namespace adweave::source
