// SPDX-License-Identifier: Apache-2.0
// The metrics catalogue: the one place where a KPI formula is written. SQL, reports and docs derive
// from it.
//
// A metric is made of measures. A measure is an aggregate over one table; the same measure over
// several tables is their sum (spend is the cost of impressions and of clicks). A ratio divides
// sums of measures, never averages ratios, and is null where its denominator is empty.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace adweave::query {

enum class Unit { count, ratio, money, seconds, number };
enum class MetricKind { additive, ratio, distinct, distribution };

struct Measure {
  std::string_view name;
  std::string_view table;
  std::string_view aggregate;  // SQL over the table's columns; of money the amount that is summed
  bool money = false;
  bool credited = false;         // there is one for each attribution policy
  std::string_view posted = {};  // the same over signed credits by posting date; empty: it has none
};

struct Metric {
  std::string_view name;
  MetricKind kind;
  Unit unit;
  std::string_view numerator;    // a measure
  std::string_view denominator;  // a measure; empty: the metric is its numerator
  int factor;                    // of the numerator: 1000 for CPM
  std::string_view formula;      // for people
  std::string_view description;
};

std::span<const Measure> all_measures();
std::span<const Metric> all_metrics();
const Metric* find_metric(std::string_view name);

std::string_view unit_name(Unit unit);
std::string_view metric_kind_name(MetricKind kind);

// SQL of a money measure's sum: a HUGEINT of nanos. With the SQL of a rate in parts per billion the
// amounts are converted one by one and the sum is one of nanos times 10^9: rounded once, later.
std::string money_sum(std::string_view amount, std::string_view rate_ppb = {});

// SQL of the metric over columns named like its measures (sums of them); `scale` is 10^9 when money
// was converted, else 1.
std::string metric_sql(const Metric& metric, int64_t scale = 1);

// The metrics of a report that names none.
std::span<const std::string_view> default_metrics();

}  // namespace adweave::query
