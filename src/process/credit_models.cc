// SPDX-License-Identifier: Apache-2.0
#include "process/credit_models.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/check.h"
#include "base/money.h"

namespace adweave::process {

namespace {

constexpr int kFractionBits = 62;  // of a weight between 0 and 1
constexpr int kExponentBits = 32;  // of the fraction of a half-life
constexpr int kHundred = 100;

constexpr uint64_t square_root(Int128 number) {
  Int128 root = 0;
  for (int bit = kFractionBits; bit >= 0; --bit) {
    const Int128 candidate = root + (static_cast<Int128>(1) << bit);
    if (candidate * candidate <= number) root = candidate;
  }
  return static_cast<uint64_t>(root);
}

// 2^-1, 2^-(1/2), 2^-(1/4), ... In whole numbers, so that every machine gets the same weights.
constexpr std::array<uint64_t, kExponentBits + 1> make_powers() {
  std::array<uint64_t, kExponentBits + 1> powers{};
  powers[0] = uint64_t{1} << (kFractionBits - 1);
  for (size_t i = 1; i < powers.size(); ++i)
    powers[i] = square_root(static_cast<Int128>(powers[i - 1]) << kFractionBits);
  return powers;
}
constexpr std::array<uint64_t, kExponentBits + 1> kPowers = make_powers();

// 2^-(age / half_life), rounded down to 2^-62.
uint64_t decayed(int64_t age, int64_t half_life) {
  const int64_t whole = age / half_life;
  if (whole > kFractionBits) return 0;
  const auto fraction =
      static_cast<uint64_t>((static_cast<Int128>(age % half_life) << kExponentBits) / half_life);
  Int128 weight = static_cast<Int128>(1) << kFractionBits;
  for (int bit = 1; bit <= kExponentBits; ++bit) {
    if ((fraction >> (kExponentBits - bit) & 1) != 0)
      weight = weight * kPowers[static_cast<size_t>(bit)] >> kFractionBits;
  }
  return static_cast<uint64_t>(weight >> whole);
}

std::vector<uint64_t> position_weights(const AttributionPolicy& policy, size_t count) {
  const auto first = static_cast<uint64_t>(policy.first_weight);
  const auto last = static_cast<uint64_t>(policy.last_weight);
  if (count == 1) return {1};
  if (count == 2 && first + last > 0) return {first, last};
  if (count == 2) return {1, 1};
  const uint64_t between = count - 2;
  std::vector<uint64_t> weights(count, kHundred - first - last);
  weights.front() = first * between;
  weights.back() = last * between;
  return weights;
}

}  // namespace

std::string_view model_name(AttributionModel model) {
  constexpr std::array<std::string_view, 5> kNames = {"last_touch", "first_touch", "linear",
                                                      "time_decay", "position_based"};
  return kNames[static_cast<size_t>(model)];
}

std::span<const AttributionModel> all_models() {
  using enum AttributionModel;
  static constexpr std::array<AttributionModel, 5> kModels = {last_touch, first_touch, linear,
                                                              time_decay, position_based};
  return kModels;
}

bool has_one_winner(AttributionModel model) {
  return model == AttributionModel::last_touch || model == AttributionModel::first_touch;
}

std::vector<uint64_t> touch_weights(const AttributionPolicy& policy,
                                    std::span<const int64_t> lags_us) {
  CHECK(!lags_us.empty() && !has_one_winner(policy.model));
  if (policy.model == AttributionModel::position_based)
    return position_weights(policy, lags_us.size());
  std::vector<uint64_t> weights(lags_us.size(), 1);
  if (policy.model == AttributionModel::linear) return weights;
  // Against the latest touch, whose weight is 1: shares do not change, and none is lost.
  for (size_t i = 0; i < lags_us.size(); ++i)
    weights[i] = decayed(lags_us[i] - lags_us.back(), policy.half_life_us);
  return weights;
}

std::vector<int64_t> split_by_weights(int64_t total, std::span<const uint64_t> weights) {
  const int64_t sign = total < 0 ? -1 : 1;
  const Int128 amount = static_cast<Int128>(total) * sign;
  const Int128 sum = std::accumulate(weights.begin(), weights.end(), Int128{0});
  CHECK(sum > 0);
  std::vector<int64_t> parts;
  std::vector<Int128> remainders;
  Int128 left = amount;
  for (const uint64_t weight : weights) {
    const Int128 product = amount * weight;
    parts.push_back(static_cast<int64_t>(product / sum));
    remainders.push_back(product % sum);
    left -= parts.back();
  }
  std::vector<size_t> order(weights.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return remainders[a] > remainders[b]; });
  for (size_t i = 0; left > 0; ++i, --left) ++parts[order[i]];
  for (int64_t& part : parts) part *= sign;
  return parts;
}

}  // namespace adweave::process
