// SPDX-License-Identifier: Apache-2.0
// True events as rows of the feeds, and the mess around them.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "source/generator/world.h"

namespace adweave::source {

enum class Feed { impressions, clicks_conversions, bid_requests, auction_outcomes, engagements };
inline constexpr std::array<std::string_view, 5> kFeedNames = {
    "impressions", "clicks_conversions", "bid_requests", "auction_outcomes", "engagements"};

Feed feed_of(const TrueEvent& event);

// A row as its feed spells it: JSON, CSV, or an Avro record's bytes.
std::string feed_row(const TrueEvent& event);
std::string csv_header();

// The event for truth/: JSON with money in nanos.
std::string truth_row(const TrueEvent& event);

// The twelve kinds of malformed rows: text of the n-th kind, made from a good event, and the reason
// it must be rejected for.
struct BadRow {
  Feed feed;
  std::string text;
  std::string_view reason;
};
inline constexpr int kBadKinds = 12;
BadRow bad_row(int kind, const TrueEvent& impression, const TrueEvent& click);

// Avro containers, null codec.
std::string avro_header();
std::string avro_block(const std::vector<std::string>& records);

}  // namespace adweave::source
