// SPDX-License-Identifier: Apache-2.0
#include "source/generator/world.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/time.h"

namespace adweave::source {

namespace {

struct Advertiser {
  std::string_view name;
  std::string_view currency;
  std::string_view zone;
};

constexpr std::array<Advertiser, World::kAdvertisers> kAdvertiserTable = {{
    {"Northwind Shoes", "EUR", "Europe/Berlin"},
    {"Bluebird Travel", "USD", "America/New_York"},
    {"Kestrel Games", "GBP", "Europe/London"},
    {"Umi Tea", "JPY", "Asia/Tokyo"},
    {"Outback Solar", "AUD", "Australia/Sydney"},
}};

constexpr std::array<std::string_view, 8> kWebsites = {
    "news.example",  "sports.example", "cooking.example", "video.example",
    "games.example", "travel.example", "music.example",   "mail.example"};
constexpr std::array<std::string_view, 4> kAgents = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)",
    "Mozilla/5.0 (Linux; Android 13; Pixel 7)", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"};
constexpr std::string_view kBotAgent = "ExampleBot/2.1 (+https://bot.example)";

constexpr double kBotShare = 0.004;
constexpr double kUnknownUserShare = 0.05;
constexpr double kUnknownCreativeShare = 0.003;
constexpr double kLateShare = 0.004;
constexpr double kBidShare = 0.7;
constexpr double kWinShare = 0.6;
constexpr double kUnmeasuredShare = 0.08;
constexpr double kInteractionsSentShare = 0.05;
constexpr double kEngagedShare = 0.12;  // of impressions; of these, half have another engagement
constexpr double kSecondClickShare = 0.12;  // of clicks, by another
constexpr double kNoImpressionIdShare = 0.12;
constexpr double kOrphanShare = 0.02;
constexpr double kWrongImpressionShare = 0.01;
constexpr double kRepeatShare = 0.25;  // of conversions, by another of the same type
constexpr double kRetractionShare = 0.04;
constexpr double kRestatementShare = 0.08;
constexpr double kOtherCurrencyShare = 0.15;  // of restatements
constexpr int64_t kDoubleClickUs = limits::kSecondUs;

}  // namespace

// One user before one ad.
struct World::Visit {
  int64_t time_us;
  std::string user;
  bool bot;
  int64_t campaign;
  std::string creative;
  std::string website;
  std::string user_agent;
  std::string auction_id;
};

Result<std::vector<TimeZone>> World::advertiser_zones() {
  std::vector<TimeZone> zones;
  for (const Advertiser& advertiser : kAdvertiserTable) {
    ADWEAVE_ASSIGN(TimeZone zone, TimeZone::find(advertiser.zone));
    zones.push_back(std::move(zone));
  }
  return zones;
}

World::World(uint64_t seed, int64_t start_us, int64_t hours, int64_t events,
             std::vector<TimeZone> zones)
    : random_(seed),
      zones_(std::move(zones)),
      start_us_(start_us),
      length_us_(hours * 3600 * limits::kSecondUs),
      users_(events / 12 + 10) {}

std::string World::campaign_id(int64_t campaign) {
  return fmt::format("cmp-{}", campaign + 1);
}

std::string World::new_id(std::string_view prefix) {
  return fmt::format("{}-{:07x}", prefix, ++ids_);
}

// A daily curve: quiet at night, twice as busy in the evening (by rejection).
int64_t World::next_time() {
  while (true) {
    const int64_t offset = random_.below(length_us_);
    const double hour =
        static_cast<double>((start_us_ + offset) / limits::kSecondUs % 86'400) / 3600;
    const double load = 0.6 - 0.4 * std::cos((hour - 4) / 12 * std::numbers::pi);
    if (random_.unit() < load) return start_us_ + offset;
  }
}

std::vector<TrueEvent> World::next() {
  Visit visit;
  visit.time_us = next_time();
  visit.bot = random_.chance(kBotShare);
  const bool unknown = random_.chance(kUnknownUserShare);
  visit.user = visit.bot ? fmt::format("bot{}", random_.below(3))
               : unknown ? ""
                         : fmt::format("u{}", random_.skewed(users_));
  visit.campaign = random_.skewed(kCampaigns);
  const int64_t creatives = kAdGroupsPerCampaign * kCreativesPerAdGroup;
  visit.creative = fmt::format("cr-{}", visit.campaign * creatives + random_.skewed(creatives) + 1);
  if (random_.chance(kUnknownCreativeShare)) visit.creative = "cr-unknown";
  visit.website =
      kWebsites[static_cast<size_t>(random_.skewed(static_cast<int64_t>(kWebsites.size())))];
  visit.user_agent =
      visit.bot ? kBotAgent
                : kAgents[static_cast<size_t>(random_.below(static_cast<int64_t>(kAgents.size())))];
  visit.auction_id = new_id("auc");

  TrueEvent request;
  request.kind = TrueEvent::Kind::bid_request;
  request.id = visit.auction_id + "/1";
  request.time_us = visit.time_us;
  request.user = visit.user;
  request.auction_id = visit.auction_id;
  request.website = visit.website;
  request.user_agent = visit.user_agent;
  request.amount = (50 + random_.below(400)) * 10'000;  // a floor of 0.50 to 4.50 per thousand
  request.currency = "USD";
  std::vector<TrueEvent> events = {request};
  if (!random_.chance(kBidShare)) return events;

  TrueEvent outcome = request;
  outcome.kind = TrueEvent::Kind::auction_outcome;
  outcome.id = new_id("out");
  outcome.time_us += 20'000;
  outcome.type = "bid";
  outcome.amount = request.amount + random_.below(400) * 10'000;
  events.push_back(outcome);
  outcome.id = new_id("out");
  outcome.time_us += 100'000;
  outcome.type = random_.chance(kWinShare) ? "win" : "loss";
  events.push_back(outcome);
  if (outcome.type == "win") add_impression(events, visit);
  for (TrueEvent& event : events) {
    const TimeZone& zone = zones_[static_cast<size_t>(event.advertiser)];
    event.utc_offset_us = zone.to_local(event.time_us) - event.time_us;
  }
  return events;
}

void World::add_impression(std::vector<TrueEvent>& events, const Visit& visit) {
  TrueEvent impression;
  impression.kind = TrueEvent::Kind::impression;
  impression.id = new_id("imp");
  impression.time_us = visit.time_us + 300'000 + random_.below(2'000'000);
  if (random_.chance(kLateShare))
    impression.time_us -= (30 + random_.below(40)) * 3600 * limits::kSecondUs;
  impression.user = visit.user;
  impression.campaign = visit.campaign;
  impression.advertiser = visit.campaign % kAdvertisers;
  impression.creative = visit.creative;
  impression.auction_id = visit.auction_id;
  impression.website = visit.website;
  impression.user_agent = visit.user_agent;
  impression.amount = (80 + random_.below(600)) * 10'000;  // 0.80 to 6.80 per thousand
  impression.currency = kAdvertiserTable[static_cast<size_t>(impression.advertiser)].currency;
  impression.measured = !random_.chance(kUnmeasuredShare);
  impression.viewable = impression.measured && random_.chance(0.62);
  impression.time_on_ad_ms =
      impression.viewable ? 1000 + random_.below(20'000) : random_.below(1000);
  if (random_.chance(kInteractionsSentShare)) impression.interactions = random_.below(4);
  events.push_back(impression);
  add_engagements(events, impression);
  if (impression.creative == "cr-unknown") return;
  const double click_rate = visit.bot ? 0.5 : impression.viewable ? 0.02 : 0.004;
  if (random_.chance(click_rate))
    add_clicks(events, impression);
  else if (!visit.user.empty() && random_.chance(0.004))
    add_conversions(events, impression);
  foreign_impression_ = impression.id;
}

int64_t World::bounded(int64_t time_us) const {
  return std::min(time_us, start_us_ + length_us_ + kAfterTrafficUs);
}

void World::add_engagements(std::vector<TrueEvent>& events, const TrueEvent& impression) {
  static constexpr std::array<std::string_view, 10> kTypes = {
      "viewable",    "viewable",    "hover",        "hover", "expand",
      "quartile_25", "quartile_50", "quartile_100", "close", "landing"};
  if (!random_.chance(kEngagedShare)) return;
  TrueEvent engagement = impression;
  engagement.kind = TrueEvent::Kind::engagement;
  engagement.impression_id = impression.id;
  engagement.currency = "";
  do {
    engagement.id = new_id("eng");
    engagement.time_us = bounded(engagement.time_us + 1000 + random_.below(20'000'000));
    engagement.type = kTypes[static_cast<size_t>(random_.below(kTypes.size()))];
    const bool lasts = engagement.type == "viewable" || engagement.type == "hover";
    engagement.measured = lasts && random_.chance(0.9);
    engagement.time_on_ad_ms = random_.below(10'000);
    events.push_back(engagement);
  } while (random_.chance(0.5));
}

// The impression's id, or what some feeds send instead: nothing, one that never comes, or that of
// another ad.
std::string World::impression_id_sent(const TrueEvent& impression) {
  const double share = random_.unit();
  if (share < kNoImpressionIdShare) return "";
  if (share < kNoImpressionIdShare + kOrphanShare) return new_id("lost");
  if (share < kNoImpressionIdShare + kOrphanShare + kWrongImpressionShare)
    return foreign_impression_;
  return impression.id;
}

void World::add_clicks(std::vector<TrueEvent>& events, const TrueEvent& impression) {
  TrueEvent click = impression;
  click.kind = TrueEvent::Kind::click;
  click.id = new_id("clk");
  click.time_us += 1'000'000 + random_.below(60'000'000);
  click.impression_id = impression_id_sent(impression);
  // Some come back to the ad hours later.
  if (click.impression_id.empty() && random_.chance(0.3))
    click.time_us += random_.below(int64_t{8} * 3600 * limits::kSecondUs);
  click.time_us = bounded(click.time_us);
  click.amount = (20 + random_.below(80)) * 10'000'000;  // 0.20 to 1.00
  events.push_back(click);
  const TrueEvent first = click;
  while (random_.chance(kSecondClickShare)) {
    static constexpr std::array<int64_t, 3> kEdges = {kDoubleClickUs - 1, kDoubleClickUs,
                                                      kDoubleClickUs + 1};
    click.id = new_id("clk");
    const bool edge = random_.chance(0.3);
    click.time_us =
        bounded(click.time_us + (edge ? kEdges[static_cast<size_t>(random_.below(kEdges.size()))]
                                      : 50'000 + random_.below(2 * kDoubleClickUs)));
    events.push_back(click);
  }
  if (!first.user.empty() && random_.chance(0.15)) add_conversions(events, first);
}

void World::add_conversions(std::vector<TrueEvent>& events, const TrueEvent& touch) {
  static constexpr std::array<std::string_view, 3> kTypes = {"purchase", "signup", "add_to_cart"};
  TrueEvent conversion = touch;
  conversion.kind = TrueEvent::Kind::conversion;
  conversion.type = kTypes[static_cast<size_t>(random_.below(3))];
  do {
    conversion.id = new_id("cnv");
    conversion.time_us = bounded(conversion.time_us + 30'000'000 + random_.below(3'000'000'000));
    const bool purchase = conversion.type == "purchase";
    conversion.order_id = purchase && random_.chance(0.9) ? new_id("ord") : "";
    conversion.amount = purchase ? (500 + random_.below(20'000)) * 10'000'000 : 0;
    events.push_back(conversion);
    add_adjustments(events, conversion);
  } while (random_.chance(kRepeatShare));
}

// What the shop says of a conversion afterwards.
void World::add_adjustments(std::vector<TrueEvent>& events, const TrueEvent& conversion) {
  TrueEvent adjustment = conversion;
  adjustment.adjusts = conversion.id;
  while (random_.chance(kRestatementShare)) {
    adjustment.id = new_id("adj");
    adjustment.time_us = bounded(adjustment.time_us + random_.below(600'000'000));
    adjustment.adjustment = "restatement";
    adjustment.amount = (300 + random_.below(20'000)) * 10'000'000;
    if (random_.chance(kOtherCurrencyShare)) adjustment.currency = "USD";
    events.push_back(adjustment);
  }
  if (!random_.chance(kRetractionShare)) return;
  adjustment.id = new_id("adj");
  adjustment.time_us = bounded(adjustment.time_us + random_.below(600'000'000));
  adjustment.adjustment = "retraction";
  adjustment.amount = 0;
  events.push_back(adjustment);
}

std::string World::dimension_csv(std::string_view name) const {
  std::string csv;
  if (name == "advertisers") {
    csv = "advertiser_id,advertiser_name,currency,time_zone\n";
    for (int64_t i = 0; i < kAdvertisers; ++i) {
      const Advertiser& a = kAdvertiserTable[static_cast<size_t>(i)];
      csv += fmt::format("adv-{},{},{},{}\n", i + 1, a.name, a.currency, a.zone);
    }
  } else if (name == "campaigns") {
    csv = "campaign_id,campaign_name,advertiser_id\n";
    for (int64_t i = 0; i < kCampaigns; ++i) {
      csv += fmt::format("{},Campaign {},adv-{}\n", campaign_id(i), i + 1, i % kAdvertisers + 1);
    }
  } else if (name == "ad_groups") {
    csv = "ad_group_id,ad_group_name,campaign_id\n";
    for (int64_t i = 0; i < kCampaigns * kAdGroupsPerCampaign; ++i) {
      csv += fmt::format("grp-{},Ad group {},{}\n", i + 1, i + 1,
                         campaign_id(i / kAdGroupsPerCampaign));
    }
  } else {
    // The last creative of every campaign moves to the campaign's first ad group at half time.
    const std::string half = format_time(start_us_ + length_us_ / 2);
    csv = "creative_id,ad_group_id,valid_from,valid_to\n";
    for (int64_t i = 0; i < kCampaigns * kAdGroupsPerCampaign * kCreativesPerAdGroup; ++i) {
      const int64_t group = i / kCreativesPerAdGroup;
      const bool moves = i % (kAdGroupsPerCampaign * kCreativesPerAdGroup) ==
                         kAdGroupsPerCampaign * kCreativesPerAdGroup - 1;
      csv += fmt::format("cr-{},grp-{},,{}\n", i + 1, group + 1, moves ? half : "");
      if (moves)
        csv += fmt::format("cr-{},grp-{},{},\n", i + 1,
                           group / kAdGroupsPerCampaign * kAdGroupsPerCampaign + 1, half);
    }
  }
  return csv;
}

}  // namespace adweave::source
