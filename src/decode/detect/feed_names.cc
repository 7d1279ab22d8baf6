// SPDX-License-Identifier: Apache-2.0
#include "decode/detect/feed_names.h"

#include <array>

namespace adweave::decode {

namespace {

using event::Field;
using event::Kind;

constexpr std::array kFieldNames = {
    FieldNames{Field::event_id, "event_id uuid id", 0, ""},
    FieldNames{Field::event_time,
               "event_time timestamp time ts date datetime event_timestamp created_at occurred_at "
               "impression_time click_time conversion_time bid_time rx_timestamp local_time",
               0, ""},
    FieldNames{Field::sent_time, "sent_time sent_at", 0, ""},
    FieldNames{Field::user_id,
               "user_id uid visitor_id cookie_id device_id customer_id user buyeruid ip "
               "client_ip remote_addr",
               0, ""},
    FieldNames{Field::advertiser_id, "advertiser_id account_id advertiser client_id", 0, ""},
    FieldNames{Field::impression_id, "impression_id imp_uuid", 2, "IE"},
    FieldNames{Field::click_id, "click_id clickid gclid fbclid msclkid", 3, "C"},
    FieldNames{Field::conversion_id, "conversion_id", 4, "V"},
    FieldNames{Field::auction_id, "auction_id request_id bid_request_id auctionid", 2, "BO"},
    FieldNames{Field::imp_id, "imp_id impid", 1, "BO"},
    FieldNames{Field::conversion_type,
               "conversion_type conversion_name goal goal_type action_type conversion", 4, "V"},
    FieldNames{Field::value, "revenue conversion_value value order_value amount total", 2, "V"},
    FieldNames{Field::order_id, "order_id transaction_id purchase_id", 3, "V"},
    FieldNames{Field::creative_id, "creative_id ad_creative_id crid ad_id creative", 2, "I"},
    FieldNames{Field::ad_group_id, "ad_group_id adgroup_id adgroup ad_group adset_id", 1, "IC"},
    FieldNames{Field::campaign_id, "campaign_id campaign campaignid utm_campaign", 1, "IC"},
    FieldNames{Field::line_item_id, "line_item_id lineitem_id lineitemid", 1, "I"},
    FieldNames{Field::website, "website site domain publisher_domain site_domain host", 0.5, "I"},
    FieldNames{Field::page_url, "page_url url page site_page landing_page", 0.5, "I"},
    FieldNames{Field::app, "app app_bundle bundle app_id", 0.5, "IB"},
    FieldNames{Field::placement_id, "placement_id placement tag_id tagid slot_id", 1, "IB"},
    FieldNames{Field::ad_size, "ad_size size banner_size placement_size", 1, "IB"},
    FieldNames{Field::ad_format, "ad_format format placement_type", 0.5, "IB"},
    FieldNames{Field::cost, "cost spend media_cost price_paid", 1, "IC"},
    FieldNames{Field::bid_amount, "bid_amount bid_price bid bidprice", 3, "B"},
    FieldNames{Field::floor, "floor bid_floor bidfloor floor_price", 3, "B"},
    FieldNames{Field::price, "clearing_price win_price price", 3, "O"},
    FieldNames{Field::min_to_win, "min_to_win min_bid_to_win", 4, "O"},
    FieldNames{Field::currency, "currency cur bidfloorcur", 0, ""},
    FieldNames{Field::viewable, "viewable is_viewable in_view", 2, "I"},
    FieldNames{Field::time_on_ad_ms, "time_on_ad_ms time_on_ad dwell_ms", 2, "I"},
    FieldNames{Field::tmax_ms, "tmax_ms tmax", 3, "B"},
    FieldNames{Field::deal_id, "deal_id dealid", 1, "B"},
    FieldNames{Field::location, "location geo", 0, ""},
    FieldNames{Field::consent, "consent tcf gdpr_consent", 0, ""},
    FieldNames{Field::engagement_type, "engagement_type engagement interaction_type", 4, "E"},
    FieldNames{Field::duration_ms, "duration_ms view_duration_ms", 3, "E"},
    FieldNames{Field::outcome, "outcome auction_outcome bid_outcome", 4, "O"},
    FieldNames{Field::loss_reason, "loss_reason lossreason loss_code", 4, "O"},
    FieldNames{Field::country, "country geo_country country_code", 0, ""},
    FieldNames{Field::region, "region geo_region", 0, ""},
    FieldNames{Field::city, "city geo_city", 0, ""},
    FieldNames{Field::user_agent, "user_agent useragent ua", 0, ""},
    FieldNames{Field::device_type, "device_type platform_device_type", 0, ""},
    FieldNames{Field::os, "os platform_os operating_system", 0, ""},
    FieldNames{Field::browser, "browser platform_browser", 0, ""},
    FieldNames{Field::language, "language lang", 0, ""},
};

// Words by which files, folders and columns speak of a kind.
struct KindWords {
  Kind kind;
  std::string_view words;
};
constexpr std::array kKindWords = {
    KindWords{Kind::impression, "impression impressions imp imps view views"},
    KindWords{Kind::click, "click clicks"},
    KindWords{Kind::conversion,
              "conversion conversions purchase purchases order orders signup signups lead leads"},
    KindWords{Kind::bid_request, "bid_request bid_requests request requests auction"},
    KindWords{Kind::engagement, "engagement engagements viewability"},
    KindWords{Kind::auction_outcome, "win wins loss losses outcome outcomes"},
};

}  // namespace

std::span<const FieldNames> field_names() {
  return kFieldNames;
}

std::string normal_name(std::string_view name) {
  std::string out;
  bool was_lower = false;
  for (const char c : name) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool lower = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (upper && was_lower) out += '_';
    if (upper || lower) out += upper ? static_cast<char>(c | 0x20) : c;
    if (!upper && !lower && !out.empty() && !out.ends_with('_')) out += '_';
    was_lower = lower;
  }
  while (out.ends_with('_')) out.pop_back();
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t end = text.find(separator);
    words.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return words;
}

std::optional<Kind> kind_of_word(std::string_view word) {
  const std::string name = normal_name(word);
  for (const KindWords& entry : kKindWords) {
    for (const std::string_view known : split(entry.words, ' ')) {
      if (name == known) return entry.kind;
    }
  }
  return std::nullopt;
}

bool has_letter(std::string_view letters, Kind kind) {
  constexpr std::string_view kLetters = "ICVBEO";
  return letters.find(kLetters[static_cast<size_t>(kind)]) != std::string_view::npos;
}

}  // namespace adweave::decode
