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
  enum class Kind { impression, click, conversion, bid_request, auction_outcome, engagement };
  Kind kind = Kind::impression;
  std::string id;
  int64_t time_us = 0;
  std::string user;  // empty: unknown
  int64_t advertiser = 0;
  int64_t campaign = 0;
  std::string creative;
  std::string impression_id;  // of a click, as sent; of an engagement
  std::string auction_id;
  std::string website;
  std::string user_agent;
  std::string type;      // conversion type, auction outcome, or engagement type
  int64_t amount = 0;    // nanos: cost, value, bid or price
  std::string currency;  // empty: no amount
  bool measured = true;  // whether the two below are known
  bool viewable = false;
  int64_t time_on_ad_ms = 0;  // or how long an engagement lasted
  int64_t interactions = -1;  // -1: the feed does not say
  std::string order_id;       // of a conversion
  std::string adjustment;     // retraction or restatement; empty: a conversion of its own
  std::string adjusts;
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
  // Events end this long after the traffic.
  static constexpr int64_t kAfterTrafficUs = 6'900'000'000;

 private:
  struct Visit;
  int64_t next_time();
  std::string new_id(std::string_view prefix);
  void add_impression(std::vector<TrueEvent>& events, const Visit& visit);
  void add_engagements(std::vector<TrueEvent>& events, const TrueEvent& impression);
  void add_clicks(std::vector<TrueEvent>& events, const TrueEvent& impression);
  std::string impression_id_sent(const TrueEvent& impression);
  void add_conversions(std::vector<TrueEvent>& events, const TrueEvent& touch);
  void add_adjustments(std::vector<TrueEvent>& events, const TrueEvent& conversion);
  // The time, but not beyond what the logs can hold.
  int64_t bounded(int64_t time_us) const;

  Random random_;
  std::vector<TimeZone> zones_;  // by advertiser
  int64_t start_us_;
  int64_t length_us_;
  int64_t users_;
  uint64_t ids_ = 0;
  std::string foreign_impression_;  // one of another advertiser, for clicks that name a wrong one
};

}  // namespace adweave::source
