// SPDX-License-Identifier: Apache-2.0
// 100,000 random histories: credits of a conversion sum to one and to its current value under every
// model, and what many commits in any order say in the end is what one commit says.
#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "process/attribute.h"
#include "process/deduplicate.h"
#include "tests/support/times.h"

namespace adweave::process {
namespace {

using event::Batch;
using event::Kind;

#ifdef __SANITIZE_ADDRESS__
constexpr int kHistories = 10'000;  // each takes ten times as long
#else
constexpr int kHistories = 100'000;
#endif
constexpr int kHistoriesTogether = 250;  // in one state
using tests::kNoon;
constexpr std::array<Kind, 3> kKinds = {Kind::impression, Kind::click, Kind::conversion};

// An event of advertiser "a". Of a history all events are of one person.
struct Row {
  Kind kind = Kind::impression;
  std::string id;
  std::string person;
  int64_t time = 0;
  std::string campaign;
  std::string impression;  // of a click, as sent
  bool viewable = false;
  std::string type;
  int64_t value = 0;
  std::string adjustment;
  std::string adjusts;
};

class Histories {
 public:
  explicit Histories(uint64_t seed) : random_(seed) {}

  // Appends the rows of one person.
  void add(std::vector<Row>& rows, const std::string& person) {
    const int64_t views = below(4);
    const int64_t clicks = below(4);
    const int64_t conversions = 1 + below(3);
    for (int64_t i = 0; i < views; ++i) rows.push_back(touch(Kind::impression, person, i));
    for (int64_t i = 0; i < clicks; ++i) {
      Row click = touch(Kind::click, person, i);
      if (below(3) > 0) click.impression = person + "i" + std::to_string(below(3));
      rows.push_back(click);
    }
    for (int64_t i = 0; i < conversions; ++i) add_conversion(rows, person, i);
  }

  std::mt19937_64& random() { return random_; }

 private:
  int64_t below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }

  // Near one another, or days apart: at, inside and beyond windows.
  int64_t time() {
    constexpr std::array<int64_t, 6> kSpans = {3,
                                               1'000'002,
                                               3600 * limits::kSecondUs,
                                               limits::kDayUs + 2,
                                               7 * limits::kDayUs,
                                               36 * limits::kDayUs};
    return kNoon + below(kSpans[static_cast<size_t>(below(kSpans.size()))]);
  }

  Row touch(Kind kind, const std::string& person, int64_t number) {
    Row row;
    row.kind = kind;
    row.id = person + (kind == Kind::click ? "c" : "i") + std::to_string(number);
    row.person = person;
    row.time = time();
    row.campaign = below(3) == 0 ? "x" : "y";
    row.viewable = below(2) == 0;
    return row;
  }

  void add_conversion(std::vector<Row>& rows, const std::string& person, int64_t number) {
    Row row = touch(Kind::conversion, person, number);
    row.id = person + "v" + std::to_string(number);
    row.type = below(2) == 0 ? "signup" : "purchase";
    row.value = below(5) == 0 ? 0 : below(1'000'000'000'000);
    rows.push_back(row);
    for (int64_t i = 0; below(4) == 0; ++i) {
      Row change = row;
      change.id = row.id + "a" + std::to_string(i);
      change.adjusts = row.id;
      change.adjustment = below(4) == 0 ? "retraction" : "restatement";
      change.time = time();
      change.value = below(1'000'000'000'000);
      rows.push_back(change);
    }
  }

  std::mt19937_64 random_;
};

void put(Batch& batch, const Row& row) {
  const int64_t at = batch.rows++;
  batch.event_id.put(at, row.id);
  batch.event_time.put(at, row.time);
  batch.advertiser_id.put(at, "a");
  batch.person_id.put(at, row.person);
  if (row.kind != Kind::conversion) {
    batch.campaign_id.put(at, row.campaign);
    if (!row.impression.empty()) batch.impression_id.put(at, row.impression);
    if (row.kind == Kind::impression) batch.viewable.put(at, row.viewable ? 1 : 0);
    if (row.kind == Kind::click) batch.joined_by.put(at, "none");
    return;
  }
  batch.conversion_type.put(at, row.type);
  batch.value.put(at, row.value);
  batch.currency.put(at, "EUR");
  if (row.adjusts.empty()) return;
  batch.adjustment.put(at, row.adjustment);
  batch.adjusts.put(at, row.adjusts);
}

// What holds after some commits: rows of credits_log that were not taken back.
class Ledger {
 public:
  explicit Ledger(const AttributionRules& rules) : rules_(rules) {}

  void commit(const std::vector<Row>& rows) {
    std::vector<Batch> batches;
    for (const Kind kind : kKinds) {
      batches.emplace_back(kind);
      for (const Row& row : rows) {
        if (row.kind == kind) put(batches.back(), row);
      }
    }
    std::vector<Batch*> pointers;
    for (Batch& batch : batches) {
      for (int64_t row = 0; row < batch.rows; ++row)
        state_.ids.insert(identity_key(batch.kind, "a", batch.event_id.hash(row)), {});
      pointers.push_back(&batch);
    }
    const event::CreditRows made = attribute(pointers, rules_, std::nullopt, state_).credits;
    for (int64_t row = 0; row < made.rows; ++row) add(made, row);
  }

  const std::map<std::string, int64_t>& net() const { return net_; }
  // Credit and value of a conversion by a policy.
  std::pair<int64_t, int64_t> sums(const std::string& policy, const std::string& id) const {
    const auto it = sums_.find({policy, id});
    return it == sums_.end() ? std::pair<int64_t, int64_t>() : it->second;
  }

 private:
  void add(const event::CreditRows& made, int64_t row) {
    std::string key;
    for (const std::string_view part : {made.policy[row], made.conversion_id[row],
                                        made.touch_id.value_or(row, "-"), made.reason[row]}) {
      key.append(part).append(" ");
    }
    for (const int64_t number :
         {made.credit[row], made.value[row], made.path_position.value_or(row, 0),
          made.path_length.value_or(row, 0)}) {
      key.append(std::to_string(number)).append(" ");
    }
    if ((net_[key] += made.sign[row]) == 0) net_.erase(key);
    auto& [credit, value] =
        sums_[{std::string(made.policy[row]), std::string(made.conversion_id[row])}];
    credit += made.sign[row] * made.credit[row];
    value += made.sign[row] * made.value[row];
  }

  const AttributionRules& rules_;
  state::State state_;
  std::map<std::string, int64_t> net_;
  std::map<std::pair<std::string, std::string>, std::pair<int64_t, int64_t>> sums_;
};

AttributionRules rules_of_all_models() {
  AttributionRules rules;
  rules.policies[0].windows.push_back({"signup", "", limits::kDayUs, limits::kSecondUs});
  for (const AttributionModel model :
       {AttributionModel::first_touch, AttributionModel::linear, AttributionModel::time_decay,
        AttributionModel::position_based}) {
    AttributionPolicy policy;
    policy.name = model_name(model);
    policy.model = model;
    policy.half_life_us = limits::kDayUs;
    policy.repeats = model == AttributionModel::linear ? Repeats::once : Repeats::every;
    rules.policies.push_back(policy);
  }
  return rules;
}

// Credit and value that each conversion must have in all, by what is said of it.
std::map<std::string, std::pair<int64_t, int64_t>> wanted(const std::vector<Row>& rows) {
  std::map<std::string, std::pair<int64_t, int64_t>> wanted;
  for (const Row& row : rows) {
    if (row.kind == Kind::conversion && row.adjusts.empty())
      wanted[row.id] = {limits::kCreditPpb, row.value};
  }
  std::map<std::string, std::pair<int64_t, std::string>> latest;
  for (const Row& row : rows) {
    if (row.adjustment != "restatement") continue;
    const auto stands = std::pair(row.time, row.id);
    if (stands < latest[row.adjusts]) continue;
    latest[row.adjusts] = stands;
    wanted[row.adjusts].second = row.value;
  }
  for (const Row& row : rows) {
    if (row.adjustment == "retraction") wanted[row.adjusts] = {0, 0};
  }
  return wanted;
}

TEST(AttributeProperty, CreditsSumToTheValueAndCommitsInAnyOrderSayWhatOneCommitSays) {
  const AttributionRules rules = rules_of_all_models();
  Histories histories(20231101);
  for (int done = 0; done < kHistories; done += kHistoriesTogether) {
    std::vector<Row> rows;
    for (int i = 0; i < kHistoriesTogether; ++i)
      histories.add(rows, "p" + std::to_string(done + i));
    Ledger at_once(rules);
    at_once.commit(rows);
    for (const auto& [id, sums] : wanted(rows)) {
      for (const AttributionPolicy& policy : rules.policies)
        ASSERT_EQ(at_once.sums(policy.name, id), sums) << policy.name << " " << id;
    }
    std::shuffle(rows.begin(), rows.end(), histories.random());
    Ledger bit_by_bit(rules);
    for (size_t begin = 0; begin < rows.size();) {
      const size_t size =
          std::min<size_t>(1 + histories.random()() % rows.size(), rows.size() - begin);
      const auto first = rows.begin() + static_cast<int64_t>(begin);
      bit_by_bit.commit({first, first + static_cast<int64_t>(size)});
      begin += size;
    }
    ASSERT_EQ(bit_by_bit.net(), at_once.net()) << "histories from p" << done;
  }
}

}  // namespace
}  // namespace adweave::process
