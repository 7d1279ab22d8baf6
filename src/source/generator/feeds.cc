// SPDX-License-Identifier: Apache-2.0
#include "source/generator/feeds.h"

#include <cstdlib>

#include <fmt/format.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/money.h"
#include "base/time.h"

namespace adweave::source {

namespace {

using Kind = TrueEvent::Kind;

constexpr std::string_view kSync = "adweave-seeded-s";  // 16 bytes
constexpr std::string_view kSchema =
    R"({"type":"record","name":"BidRequest","fields":[{"name":"id","type":"string"},{"name":"imp_id","type":"string"},)"
    R"({"name":"time","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"user","type":["null","string"]},)"
    R"({"name":"site","type":{"type":"record","name":"Site","fields":[{"name":"domain","type":"string"}]}},)"
    R"({"name":"device","type":{"type":"record","name":"Device","fields":[{"name":"ua","type":"string"}]}},)"
    R"({"name":"floor_micros","type":"long"},{"name":"currency","type":"string"}]})";

// "1.250000000" without the zeros at its end.
std::string amount_text(int64_t nanos) {
  std::string text = format_nanos(nanos);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

// Adds a member to a JSON object that is being written.
void member(std::string& out, std::string_view key, std::string_view text) {
  out += out.empty() ? '{' : ',';
  append_json_string(out, key);
  out += ':';
  append_json_string(out, text);
}

void raw_member(std::string& out, std::string_view key, std::string_view json) {
  out += out.empty() ? '{' : ',';
  append_json_string(out, key);
  out.append(":").append(json);
}

// The local time of the advertiser's ad server, with its offset: "2023-11-01T13:00:00+01:00".
std::string local_time_text(const TrueEvent& event) {
  const int64_t minutes = event.utc_offset_us / (60 * limits::kSecondUs);
  std::string text = format_time(event.time_us + event.utc_offset_us);
  text.pop_back();
  return text + fmt::format("{}{:02}:{:02}", minutes < 0 ? '-' : '+', std::abs(minutes) / 60,
                            std::abs(minutes) % 60);
}

std::string impression_json(const TrueEvent& event) {
  std::string out;
  member(out, "impression_id", event.id);
  member(out, "timestamp", local_time_text(event));
  // Users without a name come as null or as 0, the way feeds spell them.
  if (!event.user.empty())
    member(out, "user_id", event.user);
  else
    raw_member(out, "user_id", event.time_us % 2 == 0 ? "null" : "0");
  member(out, "creative_id", event.creative);
  member(out, "website", event.website);
  member(out, "auction_id", event.auction_id);
  raw_member(out, "price_cpm", amount_text(event.amount * 1000));
  member(out, "currency", event.currency);
  if (event.measured) {
    raw_member(out, "viewable", event.viewable ? "true" : "false");
    raw_member(out, "time_on_ad_ms", std::to_string(event.time_on_ad_ms));
  }
  if (event.interactions >= 0) raw_member(out, "interactions", std::to_string(event.interactions));
  member(out, "user_agent", event.user_agent);
  return out + "}";
}

std::string advertiser_id(const TrueEvent& event) {
  return fmt::format("adv-{}", event.advertiser + 1);
}

std::string engagement_json(const TrueEvent& event) {
  std::string out;
  member(out, "event_id", event.id);
  member(out, "timestamp", local_time_text(event));
  member(out, "impression_id", event.impression_id);
  member(out, "advertiser_id", advertiser_id(event));
  member(out, "type", event.type);
  if (event.measured) raw_member(out, "duration_ms", std::to_string(event.time_on_ad_ms));
  return out + "}";
}

std::string outcome_json(const TrueEvent& event) {
  std::string out;
  member(out, "id", event.id);
  member(out, "auction_id", event.auction_id);
  raw_member(out, "time_ms", std::to_string(event.time_us / 1000));
  member(out, "outcome", event.type);
  raw_member(out, "price_cpm", amount_text(event.amount * 1000));
  member(out, "currency", event.currency);
  return out + "}";
}

std::string csv_row(const TrueEvent& event) {
  const bool click = event.kind == Kind::click;
  const std::string cost = click ? amount_text(event.amount) : "";
  const std::string value = !click && event.amount != 0 ? amount_text(event.amount) : "";
  const std::string user = event.user.empty() ? "00000000-0000-0000-0000-000000000000" : event.user;
  return fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},\"{}\"", event.id, local_time_text(event),
                     user, World::campaign_id(event.campaign), click ? "click" : event.type,
                     click ? event.impression_id : "", cost, value, event.currency, event.order_id,
                     event.adjustment, event.adjusts, event.user_agent);
}

void append_long(std::string& out, int64_t number) {
  uint64_t bits = (static_cast<uint64_t>(number) << 1) ^ static_cast<uint64_t>(number >> 63);
  for (; bits >= 0x80; bits >>= 7) out += static_cast<char>(bits | 0x80);
  out += static_cast<char>(bits);
}

void append_text(std::string& out, std::string_view text) {
  append_long(out, static_cast<int64_t>(text.size()));
  out.append(text);
}

std::string avro_record(const TrueEvent& event) {
  std::string out;
  append_text(out, event.auction_id);
  append_text(out, "1");
  append_long(out, event.time_us);
  append_long(out, event.user.empty() ? 0 : 1);
  if (!event.user.empty()) append_text(out, event.user);
  append_text(out, event.website);
  append_text(out, event.user_agent);
  append_long(out, event.amount);  // nanos for one impression are micros for a thousand
  append_text(out, event.currency);
  return out;
}

}  // namespace

Feed feed_of(const TrueEvent& event) {
  switch (event.kind) {
    case Kind::impression:
      return Feed::impressions;
    case Kind::click:
    case Kind::conversion:
      return Feed::clicks_conversions;
    case Kind::bid_request:
      return Feed::bid_requests;
    case Kind::auction_outcome:
      return Feed::auction_outcomes;
    case Kind::engagement:
      return Feed::engagements;
  }
  return Feed::impressions;
}

std::string feed_row(const TrueEvent& event) {
  switch (feed_of(event)) {
    case Feed::impressions:
      return impression_json(event);
    case Feed::clicks_conversions:
      return csv_row(event);
    case Feed::bid_requests:
      return avro_record(event);
    case Feed::auction_outcomes:
      return outcome_json(event);
    case Feed::engagements:
      return engagement_json(event);
  }
  return {};
}

std::string csv_header() {
  return "event_id,timestamp,user_id,campaign_id,conversion_type,impression_id,cost,value,currency,"
         "order_id,adjustment,adjusts,user_agent";
}

std::string truth_row(const TrueEvent& event) {
  static constexpr std::array<std::string_view, 6> kKinds = {
      "impression", "click", "conversion", "bid_request", "auction_outcome", "engagement"};
  const auto text = [](std::string& out, std::string_view key, std::string_view value) {
    if (!value.empty()) member(out, key, value);
  };
  std::string out;
  member(out, "kind", kKinds[static_cast<size_t>(event.kind)]);
  member(out, "id", event.id);
  raw_member(out, "time_us", std::to_string(event.time_us));
  const bool auction = event.kind == Kind::bid_request || event.kind == Kind::auction_outcome;
  if (event.kind != Kind::engagement) text(out, "user", event.user);
  if (!auction) {
    member(out, "campaign", World::campaign_id(event.campaign));
    member(out, "advertiser", advertiser_id(event));
    member(out, "creative", event.creative);
  }
  if (event.kind != Kind::auction_outcome) text(out, "website", event.website);
  if (event.kind == Kind::impression && event.measured)
    raw_member(out, "viewable", event.viewable ? "true" : "false");
  if ((event.kind == Kind::impression || event.kind == Kind::engagement) && event.measured)
    raw_member(out, "duration_ms", std::to_string(event.time_on_ad_ms));
  if (event.kind == Kind::impression && event.interactions >= 0)
    raw_member(out, "interactions", std::to_string(event.interactions));
  if (event.kind == Kind::click || event.kind == Kind::engagement)
    text(out, "impression_id", event.impression_id);
  text(out, "type", event.type);
  text(out, "order_id", event.order_id);
  text(out, "adjustment", event.adjustment);
  text(out, "adjusts", event.adjusts);
  if (!event.currency.empty()) {
    raw_member(out, "amount_nanos", std::to_string(event.amount));
    member(out, "currency", event.currency);
  }
  return out + "}";
}

BadRow bad_row(int kind, const TrueEvent& impression, const TrueEvent& click) {
  TrueEvent bad = impression;
  bad.id += "-bad";
  const std::string json = impression_json(bad);
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = json;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  TrueEvent bad_click = click;
  bad_click.id += "-bad";
  const std::string csv = csv_row(bad_click);
  const std::string time = "\"" + local_time_text(bad) + "\"";
  const std::string price = "\"price_cpm\":" + amount_text(bad.amount * 1000);
  switch (kind) {
    case 0:
      return {Feed::impressions, json.substr(0, json.size() / 2), "malformed"};
    case 1:
      return {Feed::impressions, changed(bad.website, "\xC3\x28.example"), "bad_encoding"};
    case 2:
      return {Feed::impressions, changed(time, "\"yesterday\""), "bad_time"};
    case 3:
      return {Feed::impressions, changed(time, "\"1970-01-01T00:00:00Z\""), "time_out_of_range"};
    case 4:
      return {Feed::impressions, changed(time, "\"2100-01-01T00:00:00Z\""), "time_out_of_range"};
    case 5:
      return {Feed::impressions, changed("\"creative_id\"", "\"creativ_id\""), "missing_field"};
    case 6:
      return {Feed::impressions, changed(price, "\"price_cpm\":\"${AUCTION_PRICE}\""),
              "unexpanded_macro"};
    case 7:
      return {Feed::impressions, changed(price, "\"price_cpm\":-1.5"), "negative_money"};
    case 8:
      return {Feed::impressions, changed(price, "\"price_cpm\":\"cheap\""), "bad_money"};
    case 9:
      return {Feed::impressions, changed("\"" + bad.currency + "\"", "\"QQQ\""), "bad_currency"};
    case 10:
      return {Feed::clicks_conversions, csv.substr(0, csv.rfind(",\"")), "malformed"};
    default:
      return {Feed::clicks_conversions, "\"x\"y" + csv, "malformed"};
  }
}

std::string avro_header() {
  std::string out("Obj\x01", 4);
  append_long(out, 2);
  append_text(out, "avro.schema");
  append_text(out, kSchema);
  append_text(out, "avro.codec");
  append_text(out, "null");
  append_long(out, 0);
  return out.append(kSync);
}

std::string avro_block(const std::vector<std::string>& records) {
  std::string body;
  for (const std::string& record : records) body += record;
  std::string out;
  append_long(out, static_cast<int64_t>(records.size()));
  append_text(out, body);
  return out.append(kSync);
}

}  // namespace adweave::source
