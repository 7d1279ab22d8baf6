// SPDX-License-Identifier: Apache-2.0
#include "source/generator/generator.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "base/json.h"
#include "base/limits.h"
#include "source/generator/feeds.h"

namespace adweave::source {

namespace {

constexpr double kDuplicateShare = 0.01;
constexpr double kConflictShare = 0.001;
constexpr double kBadShare = 0.004;
constexpr double kRepeatedOrderShare = 0.05;  // under another event id
// Shares of rows in the files of late/, by feed.
constexpr std::array<double, kFeedNames.size()> kLateDeliveryShares = {0.06, 0.15, 0.01, 0.01,
                                                                       0.06};
constexpr int64_t kJitterUs = 5'000'000;         // rows come this much out of order
constexpr int64_t kRepeatAfterUs = 600'000'000;  // a repeat follows within
constexpr size_t kAvroBlockRecords = 500;
constexpr int64_t kProgressEvery = 10'000;

// adweave.yaml
constexpr const char* kConfiguration = R"(# Made by `adweave generate`: the feeds beside this file.
ledger_id: generated
sources:
  - name: impressions
    files: [impressions.ndjson, "late*/impressions*.ndjson"]
    format: json
    kind: impression
    fields:
      event_id: impression_id
      event_time: timestamp
      user_id: user_id
      creative_id: creative_id
      website: website
      auction_id: auction_id
      cost: {from: price_cpm, unit: per_thousand}
      currency: currency
      viewable: viewable
      time_on_ad_ms: time_on_ad_ms
      interactions: interactions
      user_agent: user_agent

  - name: clicks_conversions
    files: [clicks_conversions.csv, "late*/clicks_conversions*.csv"]
    format: csv
    rows:
      - when: {conversion_type: ["", click]}
        kind: click
        fields:
          event_id: event_id
          event_time: timestamp
          user_id: user_id
          campaign_id: campaign_id
          impression_id: impression_id
          cost: cost
          currency: currency
          user_agent: user_agent
      - kind: conversion
        fields:
          event_id: event_id
          event_time: timestamp
          user_id: user_id
          conversion_type: conversion_type
          reported_campaign_id: campaign_id
          value: value
          currency: currency
          order_id: order_id
          adjustment: adjustment
          adjusts: adjusts
          user_agent: user_agent

  - name: bid_requests
    files: [bid_requests.avro, "late*/bid_requests*.avro"]
    format: avro
    kind: bid_request
    fields:
      event_id: {from: [id, imp_id], join: "/"}
      event_time: time
      auction_id: id
      imp_id: imp_id
      user_id: user
      website: site.domain
      user_agent: device.ua
      floor: {from: floor_micros, unit: nanos}     # micros for a thousand are nanos for one
      currency: currency

  - name: auction_outcomes
    files: [auction_outcomes.ndjson, "late*/auction_outcomes*.ndjson"]
    format: json
    kind: auction_outcome
    fields:
      event_id: id
      event_time: {from: time_ms, time: epoch_ms}
      auction_id: auction_id
      outcome: outcome
      price: {from: price_cpm, unit: per_thousand}
      currency: currency

  - name: engagements
    files: [engagements.ndjson, "late*/engagements*.ndjson"]
    format: json
    kind: engagement
    fields:
      event_id: event_id
      event_time: timestamp
      impression_id: impression_id
      advertiser_id: advertiser_id
      engagement_type: type
      duration_ms: duration_ms

dimensions:
  creatives: creatives.csv
  ad_groups: ad_groups.csv
  campaigns: campaigns.csv
  advertisers: advertisers.csv
)";

// A row on its way to its feed, at the place in time where it is written.
struct Line {
  int64_t at_us;
  uint64_t order;
  std::string text;
};

// What the engine must count of a feed.
struct FeedCounts {
  int64_t accepted = 0;
  int64_t duplicate = 0;
  int64_t conflict = 0;
  int64_t rejected = 0;
};

// Files: those of the day, and those that come a day later.
enum class Arrival { main, late };
constexpr std::array<Arrival, 2> kArrivals = {Arrival::main, Arrival::late};

class Generator {
 public:
  Generator(FileSystem& fs, const GeneratorOptions& options, std::vector<TimeZone> zones)
      : fs_(fs),
        options_(options),
        world_(options.seed, options.start_us, options.hours, options.events, std::move(zones)),
        random_(options.seed ^ 0xADULL) {}

  Status run(const std::function<void(int64_t, int64_t)>& progress) {
    ADWEAVE_TRY(make_dirs(fs_, join_path(options_.out, "truth")));
    make_truth(progress);
    for (const auto& [name, text] : truth_) ADWEAVE_TRY(write("truth/" + name + ".ndjson", text));
    for (const TrueEvent& event : events_) add_rows(event);
    ADWEAVE_TRY(write("truth/expected.json", expected_json()));
    for (const std::string_view name : {"advertisers", "campaigns", "ad_groups", "creatives"}) {
      ADWEAVE_TRY(write(std::string(name) + ".csv", world_.dimension_csv(name)));
    }
    ADWEAVE_TRY(write_feeds());
    return write("adweave.yaml", kConfiguration);
  }

 private:
  void make_truth(const std::function<void(int64_t, int64_t)>& progress) {
    while (static_cast<int64_t>(events_.size()) < options_.events) {
      for (TrueEvent& event : world_.next()) {
        if (static_cast<int64_t>(events_.size()) == options_.events) break;
        truth_[std::string(kFeedNames[static_cast<size_t>(feed_of(event))])] +=
            truth_row(event) + "\n";
        events_.push_back(std::move(event));
        const auto done = static_cast<int64_t>(events_.size());
        if (progress && done % kProgressEvery == 0) progress(done, options_.events);
      }
    }
  }

  std::vector<Line>& lines(Feed feed, Arrival delivery) {
    return lines_[static_cast<size_t>(delivery)][static_cast<size_t>(feed)];
  }

  void add_line(Feed feed, Arrival delivery, int64_t at_us, std::string text) {
    lines(feed, delivery).push_back({at_us, order_++, std::move(text)});
  }

  Arrival some_delivery(Feed feed) {
    const double share = kLateDeliveryShares[static_cast<size_t>(feed)];
    return random_.chance(share) ? Arrival::late : Arrival::main;
  }

  // A row that follows one of the event's, in the same file or in a late one.
  void add_follower(Feed feed, Arrival first, int64_t at_us, const TrueEvent& event) {
    const Arrival delivery = first == Arrival::late ? first : some_delivery(feed);
    add_line(feed, delivery, at_us + 1 + random_.below(kRepeatAfterUs), feed_row(event));
  }

  // The event's own row, and perhaps a repeat, a conflict or a broken row after it.
  void add_rows(const TrueEvent& event) {
    const Feed feed = feed_of(event);
    FeedCounts& counts = counts_[static_cast<size_t>(feed)];
    const Arrival delivery = some_delivery(feed);
    const int64_t at = event.time_us + random_.below(kJitterUs);
    add_line(feed, delivery, at, feed_row(event));
    ++counts.accepted;
    if (event.kind == TrueEvent::Kind::impression) last_impression_ = event;
    if (event.kind == TrueEvent::Kind::click) last_click_ = event;
    if (random_.chance(kDuplicateShare)) {
      add_follower(feed, delivery, at, event);
      ++counts.duplicate;
    }
    // Bid requests have no id of their own: another payload is another event there.
    if (feed != Feed::bid_requests && random_.chance(kConflictShare)) {
      TrueEvent other = event;
      other.time_us += 1'000'000;
      add_follower(feed, delivery, at, other);
      ++counts.conflict;
    }
    const bool order = !event.order_id.empty() && event.adjustment.empty();
    if (order && random_.chance(kRepeatedOrderShare)) {
      TrueEvent again = event;
      again.id += "-again";
      again.time_us += 1'000'000;
      add_follower(feed, delivery, at, again);
      ++counts.duplicate;
    }
    if (last_impression_ && last_click_ && random_.chance(kBadShare)) add_bad_row(at);
  }

  void add_bad_row(int64_t at) {
    const BadRow bad = bad_row(bad_kind_++ % kBadKinds, *last_impression_, *last_click_);
    add_line(bad.feed, Arrival::main, at, bad.text);
    ++counts_[static_cast<size_t>(bad.feed)].rejected;
    ++rejected_by_reason_[std::string(bad.reason)];
  }

  Status write_feeds() {
    ADWEAVE_TRY(make_dirs(fs_, join_path(options_.out, "late")));
    for (const Arrival delivery : kArrivals) {
      for (size_t i = 0; i < kFeedNames.size(); ++i)
        ADWEAVE_TRY(write_feed(static_cast<Feed>(i), delivery));
    }
    return {};
  }

  Status write_feed(Feed feed, Arrival delivery) {
    std::vector<Line>& rows = lines(feed, delivery);
    if (delivery == Arrival::late && rows.empty()) return {};
    std::sort(rows.begin(), rows.end(), [](const Line& a, const Line& b) {
      return std::pair(a.at_us, a.order) < std::pair(b.at_us, b.order);
    });
    const std::string name = (delivery == Arrival::late ? "late/" : "") + file_name(feed);
    ADWEAVE_TRY(write(name, feed == Feed::bid_requests ? avro_text(rows) : line_text(feed, rows)));
    received_at_end(name, delivery);
    return {};
  }

  static std::string file_name(Feed feed) {
    const std::string name(kFeedNames[static_cast<size_t>(feed)]);
    return name + (feed == Feed::bid_requests         ? ".avro"
                   : feed == Feed::clicks_conversions ? ".csv"
                                                      : ".ndjson");
  }

  static std::string line_text(Feed feed, const std::vector<Line>& lines) {
    std::string text = feed == Feed::clicks_conversions ? csv_header() + "\n" : "";
    for (const Line& line : lines) text.append(line.text).append("\n");
    return text;
  }

  static std::string avro_text(const std::vector<Line>& lines) {
    std::string text = avro_header();
    for (size_t begin = 0; begin < lines.size(); begin += kAvroBlockRecords) {
      std::vector<std::string> records;
      for (size_t i = begin; i < std::min(begin + kAvroBlockRecords, lines.size()); ++i)
        records.push_back(lines[i].text);
      text += avro_block(records);
    }
    return text;
  }

  // The modification time is when the file was received: two hours after the traffic, or a day
  // later; not the day of this run.
  void received_at_end(const std::string& name, Arrival delivery) const {
    const int64_t hours = options_.hours + (delivery == Arrival::late ? 26 : 2);
    const int64_t received_us = options_.start_us + hours * 3600 * limits::kSecondUs;
    const auto time = std::filesystem::file_time_type::clock::from_sys(
        std::chrono::sys_time<std::chrono::microseconds>(std::chrono::microseconds(received_us)));
    std::error_code ignored;  // a file system without times still has the bytes
    std::filesystem::last_write_time(join_path(options_.out, name), time, ignored);
  }

  std::string expected_json() const {
    JsonValue::Object feeds;
    for (size_t i = 0; i < kFeedNames.size(); ++i) {
      const FeedCounts& c = counts_[i];
      feeds.emplace_back(kFeedNames[i], JsonValue::Object{{"accepted", c.accepted},
                                                          {"duplicate", c.duplicate},
                                                          {"conflict", c.conflict},
                                                          {"rejected", c.rejected}});
    }
    JsonValue::Object reasons;
    for (const auto& [reason, count] : rejected_by_reason_) reasons.emplace_back(reason, count);
    return JsonValue(JsonValue::Object{{"events", options_.events},
                                       {"seed", static_cast<int64_t>(options_.seed)},
                                       {"feeds", std::move(feeds)},
                                       {"rejected_by_reason", std::move(reasons)}})
               .dump() +
           "\n";
  }

  Status write(const std::string& name, const std::string& text) {
    return write_synced(fs_, join_path(options_.out, name), text);
  }

  FileSystem& fs_;
  const GeneratorOptions& options_;
  World world_;
  Random random_;
  std::vector<TrueEvent> events_;
  std::map<std::string, std::string> truth_;
  std::array<std::array<std::vector<Line>, kFeedNames.size()>, kArrivals.size()> lines_;
  std::array<FeedCounts, kFeedNames.size()> counts_;
  std::map<std::string, int64_t> rejected_by_reason_;
  std::optional<TrueEvent> last_impression_;
  std::optional<TrueEvent> last_click_;
  uint64_t order_ = 0;
  int bad_kind_ = 0;
};

}  // namespace

Status generate(FileSystem& fs, const GeneratorOptions& options,
                const std::function<void(int64_t, int64_t)>& progress) {
  const Result<std::vector<std::string>> names = fs.list(options.out);
  if (names && !names->empty()) {
    return Error{ErrorCode::usage, options.out + ": is not empty",
                 "choose another --out, or remove it first"};
  }
  ADWEAVE_ASSIGN(std::vector<TimeZone> zones, World::advertiser_zones());
  return Generator(fs, options, std::move(zones)).run(progress);
}

}  // namespace adweave::source
