// SPDX-License-Identifier: Apache-2.0
#include "process/credit_models.h"

#include <cmath>
#include <map>
#include <numeric>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "process/attribute.h"
#include "tests/support/test_data.h"
#include "tests/support/times.h"

namespace adweave::process {
namespace {

using ::testing::ElementsAre;
using tests::kNoon;

AttributionPolicy policy_of(AttributionModel model) {
  AttributionPolicy policy;
  policy.name = model_name(model);
  policy.model = model;
  return policy;
}

std::vector<int64_t> split(AttributionModel model, int64_t total, std::vector<int64_t> lag_days) {
  for (int64_t& lag : lag_days) lag *= limits::kDayUs;
  return split_by_weights(total, touch_weights(policy_of(model), lag_days));
}

TEST(CreditModels, GoldenValues) {
  // Semantics c.5: half-life 7 days, touches 14, 7 and 0 days before.
  EXPECT_THAT(split(AttributionModel::time_decay, 100'000'000'000, {14, 7, 0}),
              ElementsAre(14'285'714'286, 28'571'428'571, 57'142'857'143));
  EXPECT_THAT(split(AttributionModel::linear, 100'000'000'000, {2, 1, 0}),
              ElementsAre(33'333'333'334, 33'333'333'333, 33'333'333'333));
  EXPECT_THAT(split(AttributionModel::linear, -100, {2, 1, 0}), ElementsAre(-34, -33, -33));
  EXPECT_THAT(split(AttributionModel::position_based, 1000, {3, 2, 1, 0}),
              ElementsAre(400, 100, 100, 400));
  EXPECT_THAT(split(AttributionModel::position_based, 1000, {1, 0}), ElementsAre(500, 500));
  EXPECT_THAT(split(AttributionModel::position_based, 1000, {0}), ElementsAre(1000));
  // Only differences of age matter, and a very old path loses nothing.
  EXPECT_EQ(split(AttributionModel::time_decay, 1000, {34, 30}),
            split(AttributionModel::time_decay, 1000, {4, 0}));
}

TEST(CreditModels, WeightsDecayByHalfLivesAndFallInBetween) {
  AttributionPolicy policy = policy_of(AttributionModel::time_decay);
  policy.half_life_us = 1'000'000;
  std::vector<int64_t> lags;
  for (int64_t lag = 20'000'000; lag >= 0; lag -= 12'345) lags.push_back(lag);
  const std::vector<uint64_t> weights = touch_weights(policy, lags);
  for (size_t i = 0; i < lags.size(); ++i) {
    const double expected = std::exp2(62 - static_cast<double>(lags[i] - lags.back()) / 1e6);
    EXPECT_NEAR(static_cast<double>(weights[i]) / expected, 1, 1e-8);
  }
}

TEST(CreditModels, PartsSumToTheWhole) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) {
    std::vector<uint64_t> weights(1 + random() % 12);
    for (uint64_t& weight : weights)
      weight = random() % 4 == 0 ? 0 : random() >> (2 + random() % 60);
    weights[random() % weights.size()] = 1 + (random() >> 3);
    const auto total =
        static_cast<int64_t>(random() % 2'000'000'000'000'000'000) - 999'999'999'999'999'999;
    const std::vector<int64_t> parts = split_by_weights(total, weights);
    EXPECT_EQ(std::accumulate(parts.begin(), parts.end(), int64_t{0}), total);
    for (size_t k = 0; k < parts.size(); ++k) {
      if (weights[k] == 0) {
        EXPECT_EQ(parts[k], 0);
      }
    }
  }
}

// Credit by channel, in conversions, of paths as tests/data/attribution/vectors.json has them:
// every conversion is one person's, its channels are campaigns clicked a second apart.
std::map<std::string, double> credit_of(const JsonValue& paths, const AttributionPolicy& policy) {
  std::map<std::string, double> credit;
  for (const JsonValue& path : *paths.as_array()) {
    state::State state;
    std::vector<event::Batch> events;
    std::string_view rest = *path.find("path")->as_string();
    const auto put = [&](event::Kind kind, std::string_view campaign) {
      event::Batch& batch = events.emplace_back(kind);
      batch.rows = 1;
      batch.event_id.put(0, std::to_string(events.size()));
      batch.event_time.put(0, kNoon + static_cast<int64_t>(events.size()) * limits::kSecondUs);
      batch.advertiser_id.put(0, "a");
      batch.person_id.put(0, "p");
      if (kind == event::Kind::click) batch.campaign_id.put(0, campaign);
      if (kind == event::Kind::conversion) batch.conversion_type.put(0, "sale");
    };
    while (!rest.empty()) {
      const size_t end = std::min(rest.find('>'), rest.size());
      std::string_view channel = rest.substr(0, end);
      while (channel.starts_with(' ')) channel.remove_prefix(1);
      while (channel.ends_with(' ')) channel.remove_suffix(1);
      if (!channel.empty()) put(event::Kind::click, channel);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    put(event::Kind::conversion, "");
    std::vector<event::Batch*> batches;
    for (event::Batch& batch : events) batches.push_back(&batch);
    AttributionRules rules;
    rules.policies = {policy};
    const event::CreditRows rows = attribute(batches, rules, std::nullopt, state).credits;
    const auto conversions = static_cast<double>(*path.find("conversions")->as_int());
    for (int64_t row = 0; row < rows.rows; ++row) {
      if (rows.credit[row] == 0 || conversions == 0) continue;
      credit[std::string(rows.campaign_id.value_or(row, ""))] +=
          static_cast<double>(rows.credit[row]) * conversions / 1e9;
    }
  }
  return credit;
}

AttributionPolicy vector_policy(const JsonValue& vector) {
  const std::map<std::string, AttributionModel> models = {
      {"first", AttributionModel::first_touch},
      {"last", AttributionModel::last_touch},
      {"linear", AttributionModel::linear},
      {"position", AttributionModel::position_based},
      {"time_decay", AttributionModel::time_decay}};
  AttributionPolicy policy = policy_of(models.at(*vector.find("model")->as_string()));
  const JsonValue* options = vector.find("options");
  if (options == nullptr) return policy;
  if (const JsonValue* repeats = options->find("repeats"))
    policy.repeats = *repeats->as_string() == "every touch counts" ? Repeats::every : Repeats::once;
  if (const JsonValue* weight = options->find("first_weight"))
    policy.first_weight = static_cast<int>(*weight->as_int());
  if (const JsonValue* weight = options->find("last_weight"))
    policy.last_weight = static_cast<int>(*weight->as_int());
  return policy;
}

JsonValue vectors() {
  return *parse_json(tests::test_data("attribution/vectors.json"));
}

TEST(CreditModels, HeuristicVectors) {
  int checked = 0;
  const JsonValue all = vectors();
  for (const JsonValue& vector : *all.find("vectors")->as_array()) {
    const std::string model = *vector.find("model")->as_string();
    if (model != "first" && model != "last" && model != "linear" && model != "position") continue;
    SCOPED_TRACE(*vector.find("name")->as_string());
    ++checked;
    std::map<std::string, double> credit = credit_of(*vector.find("paths"), vector_policy(vector));
    const JsonValue::Object& expected = *vector.find("expected")->as_object();
    EXPECT_EQ(credit.size(), expected.size());
    for (const auto& [channel, value] : expected) {
      const double want =
          value.as_int() != nullptr ? static_cast<double>(*value.as_int()) : *value.as_double();
      EXPECT_NEAR(credit[channel], want, 1e-9 * 10) << channel;  // 1 ppb for each of 10 conversions
    }
  }
  EXPECT_EQ(checked, 9);
}

TEST(CreditModels, TheirProperties) {
  const JsonValue all = vectors();
  for (const JsonValue& property : *all.find("properties")->as_array()) {
    const std::string name = *property.find("name")->as_string();
    if (name == "markov_normalised") continue;
    for (const AttributionModel model :
         {AttributionModel::last_touch, AttributionModel::first_touch, AttributionModel::linear,
          AttributionModel::time_decay, AttributionModel::position_based}) {
      SCOPED_TRACE(name + " " + std::string(model_name(model)));
      std::map<std::string, double> credit = credit_of(*property.find("paths"), policy_of(model));
      double sum = 0;
      for (const auto& [channel, value] : credit) sum += value;
      EXPECT_NEAR(sum, 10, 1e-9);
      if (name == "time_decay_order" && model == AttributionModel::time_decay) {
        EXPECT_GT(credit["email"], credit["search"]);
        EXPECT_GT(credit["search"], credit["social"]);
      }
      if (name == "empty_and_malformed_paths") {
        for (const auto& [channel, value] : credit)
          EXPECT_THAT(channel, ::testing::AnyOf("", "a", "b", "c"));  // "": unattributed
        EXPECT_NEAR(credit[""], 3, 1e-9);
      }
    }
  }
}

TEST(CreditModels, ACampaignCountsOnceWhenItShould) {
  AttributionPolicy policy = policy_of(AttributionModel::linear);
  const JsonValue paths = *parse_json(R"([{"path":"a > a > b","conversions":6}])");
  EXPECT_NEAR(credit_of(paths, policy)["a"], 4, 1e-8);
  policy.repeats = Repeats::once;
  EXPECT_NEAR(credit_of(paths, policy)["a"], 3, 1e-8);
}

}  // namespace
}  // namespace adweave::process
