// SPDX-License-Identifier: Apache-2.0
#include "query/metrics.h"

#include <array>

namespace adweave::query {

namespace {

// clang-format off
constexpr Measure kMeasures[] = {
    {"impressions", "impressions", "count(*)"},
    {"clicks", "clicks", "count(*) FILTER (is_double_click IS NOT TRUE)"},
    {"gross_clicks", "clicks", "count(*)"},
    {"conversions", "attributed_conversions", "count(*)", false, false, "sum(sign)"},
    {"click_through_conversions", "attributed_conversions", "count(*) FILTER (touch_kind = 'click')", false, false, "sum(sign) FILTER (touch_kind = 'click')"},
    {"view_through_conversions", "attributed_conversions", "count(*) FILTER (touch_kind IN ('view', 'viewable_view'))", false, false, "sum(sign) FILTER (touch_kind IN ('view', 'viewable_view'))"},
    {"unattributed_conversions", "attributed_conversions", "count(*) FILTER (touch_kind IS NULL)", false, false, "sum(sign) FILTER (touch_kind IS NULL)"},
    {"attributed_credit", "attributed_conversions", "sum(credit) / 1000000000", false, true, "sum(sign * credit) FILTER (touch_kind IS NOT NULL) / 1000000000"},
    {"revenue", "attributed_conversions", "value", true, false, "sign * value"},
    {"attributed_revenue", "attributed_conversions", "credited_value", true, true, "CASE WHEN touch_kind IS NOT NULL THEN sign * value END"},
    {"spend", "impressions", "cost", true},
    {"spend", "clicks", "cost", true},
    {"bid_requests", "bid_requests", "count(*)"},
    {"bids", "auction_outcomes", "count(*) FILTER (outcome = 'bid')"},
    {"wins", "auction_outcomes", "count(*) FILTER (outcome = 'win')"},
    {"viewable_impressions", "measured_impressions", "count(*) FILTER (viewable)"},
    {"measurable_impressions", "measured_impressions", "count(viewable)"},
    {"time_on_ad_s", "measured_impressions", "sum(time_on_ad_ms) / 1000"},
    {"timed_impressions", "measured_impressions", "count(time_on_ad_ms)"},
    {"interactions", "measured_impressions", "sum(interactions)"},
    {"interaction_impressions", "measured_impressions", "count(interactions)"},
    {"interacted_impressions", "measured_impressions", "count(*) FILTER (interactions > 0)"},
    {"reach", "impressions", "count(DISTINCT person_id)"},
    {"identified_impressions", "impressions", "count(person_id)"},
    {"clickers", "clicks", "count(DISTINCT person_id)"},
    {"conversion_lag_p50", "attributed_conversions", "quantile_cont(lag_us / 1000000, 0.5)"},
    {"conversion_lag_p90", "attributed_conversions", "quantile_cont(lag_us / 1000000, 0.9)"},
    {"received_events", "audit", "sum(accepted + duplicate + conflict)"},
    {"received_events", "current_rejects", "count(*) FILTER (state = 'open' AND outcome = 'rejected')"},
    {"rejected_events", "current_rejects", "count(*) FILTER (state = 'open' AND outcome = 'rejected')"},
    {"duplicate_events", "audit", "sum(duplicate)"},
    {"invalid_events", "impressions", "NULL::BIGINT"},
    {"late_events", "impressions", "count(*) FILTER (flags & 4 != 0)"},
    {"late_events", "clicks", "count(*) FILTER (flags & 4 != 0)"},
    {"late_events", "conversions", "count(*) FILTER (flags & 4 != 0)"},
    {"timed_events", "impressions", "count(*)"},
    {"timed_events", "clicks", "count(*)"},
    {"timed_events", "conversions", "count(*)"},
};

using enum MetricKind;
constexpr Metric kMetrics[] = {
    {"impressions", additive, Unit::count, "impressions", "", 1, "impressions", "Ads shown, net of invalid traffic"},
    {"gross_impressions", additive, Unit::count, "impressions", "", 1, "impressions", "Ads shown, invalid ones too"},
    {"clicks", additive, Unit::count, "clicks", "", 1, "clicks", "Clicks, net of invalid and double clicks"},
    {"gross_clicks", additive, Unit::count, "gross_clicks", "", 1, "clicks", "Clicks, invalid and double ones too"},
    {"conversions", additive, Unit::count, "conversions", "", 1, "conversions", "All conversions, attributed or not"},
    {"click_through_conversions", additive, Unit::count, "click_through_conversions", "", 1, "conversions won by a click", "By the winning touch of the default policy"},
    {"view_through_conversions", additive, Unit::count, "view_through_conversions", "", 1, "conversions won by a view", "By the winning touch of the default policy"},
    {"unattributed_conversions", additive, Unit::count, "unattributed_conversions", "", 1, "conversions without a touch", "No touch was inside its window"},
    {"attributed_conversions", additive, Unit::number, "attributed_credit", "", 1, "sum of credits", "Conversions by their shares of credit"},
    {"revenue", additive, Unit::money, "revenue", "", 1, "sum of conversion values", "Value of all conversions"},
    {"attributed_revenue", additive, Unit::money, "attributed_revenue", "", 1, "sum of credited values", "Value of attributed conversions"},
    {"spend", additive, Unit::money, "spend", "", 1, "cost of impressions + cost of clicks", "What the advertiser paid"},
    {"bid_requests", additive, Unit::count, "bid_requests", "", 1, "bid requests", "One for each impression on offer"},
    {"bids", additive, Unit::count, "bids", "", 1, "auction outcomes `bid`", "Bids sent"},
    {"wins", additive, Unit::count, "wins", "", 1, "auction outcomes `win`", "Auctions won"},
    {"ctr", ratio, Unit::ratio, "clicks", "impressions", 1, "clicks / impressions", "Click-through rate"},
    {"gross_ctr", ratio, Unit::ratio, "gross_clicks", "impressions", 1, "gross_clicks / gross_impressions", "Click-through rate, invalid and double clicks too"},
    {"unique_ctr", distinct, Unit::ratio, "clickers", "reach", 1, "clicking persons / exposed persons", "Click-through rate by persons"},
    {"cvr", ratio, Unit::ratio, "click_through_conversions", "clicks", 1, "click_through_conversions / clicks", "Conversion rate; may exceed 1"},
    {"vt_cvr", ratio, Unit::ratio, "view_through_conversions", "impressions", 1, "view_through_conversions / impressions", "View-through conversion rate"},
    {"cpc", ratio, Unit::money, "spend", "clicks", 1, "spend / clicks", "Cost per click"},
    {"cpm", ratio, Unit::money, "spend", "impressions", 1000, "1000 spend / impressions", "Cost per thousand impressions"},
    {"cpa", ratio, Unit::money, "spend", "conversions", 1, "spend / conversions", "Cost per conversion"},
    {"roas", ratio, Unit::ratio, "attributed_revenue", "spend", 1, "attributed_revenue / spend", "Return on ad spend"},
    {"aov", ratio, Unit::money, "revenue", "conversions", 1, "revenue / conversions", "Average order value"},
    {"win_rate", ratio, Unit::ratio, "wins", "bids", 1, "wins / bids", "Share of bids that won"},
    {"render_rate", ratio, Unit::ratio, "impressions", "wins", 1, "impressions / wins", "Share of wins that were shown"},
    {"bid_rate", ratio, Unit::ratio, "bids", "bid_requests", 1, "bids / bid_requests", "Share of requests that were bid on"},
    {"viewable_rate", ratio, Unit::ratio, "viewable_impressions", "measurable_impressions", 1, "viewable / measurable impressions", "Share of measured impressions in view"},
    {"measurable_rate", ratio, Unit::ratio, "measurable_impressions", "impressions", 1, "measurable impressions / impressions", "Share of impressions that were measured"},
    {"vcpm", ratio, Unit::money, "spend", "viewable_impressions", 1000, "1000 spend / viewable impressions", "Cost per thousand viewable impressions"},
    {"time_on_ad_s", ratio, Unit::seconds, "time_on_ad_s", "timed_impressions", 1, "time in view / impressions that were timed", "Mean time in view"},
    {"interaction_depth", ratio, Unit::number, "interactions", "interaction_impressions", 1, "interactions / impressions with such data", "Mean interaction steps of an impression"},
    {"interaction_rate", ratio, Unit::ratio, "interacted_impressions", "interaction_impressions", 1, "impressions with an interaction / impressions with such data", "Share of impressions that were interacted with"},
    {"reach", distinct, Unit::count, "reach", "", 1, "persons with an impression", "Identified persons who saw an ad"},
    {"frequency", distinct, Unit::number, "identified_impressions", "reach", 1, "identified impressions / reach", "Mean impressions of a person"},
    {"conversion_lag_p50", distribution, Unit::seconds, "conversion_lag_p50", "", 1, "median of conversion time - touch time", "Half of the attributed conversions came sooner"},
    {"conversion_lag_p90", distribution, Unit::seconds, "conversion_lag_p90", "", 1, "90th percentile of conversion time - touch time", "Nine in ten attributed conversions came sooner"},
    {"ivt_rate", ratio, Unit::ratio, "invalid_events", "impressions", 1, "invalid / all impressions", "Share of invalid traffic; empty until traffic is judged"},
    {"reject_rate", ratio, Unit::ratio, "rejected_events", "received_events", 1, "rejected / received", "Share of events that broke a rule and still do; by source and day of receipt"},
    {"duplicate_rate", ratio, Unit::ratio, "duplicate_events", "received_events", 1, "duplicate / received", "Share of events that came again; by source and day of receipt"},
    {"late_rate", ratio, Unit::ratio, "late_events", "timed_events", 1, "late events / events", "Share of impressions, clicks and conversions received over a day late"},
};
// clang-format on

constexpr std::array<std::string_view, 12> kDefaults = {
    "impressions", "clicks", "conversions", "spend", "revenue", "ctr",
    "cvr",         "cpc",    "cpm",         "cpa",   "roas",    "win_rate"};

}  // namespace

std::span<const Measure> all_measures() {
  return kMeasures;
}
std::span<const Metric> all_metrics() {
  return kMetrics;
}
std::span<const std::string_view> default_metrics() {
  return kDefaults;
}

const Metric* find_metric(std::string_view name) {
  for (const Metric& metric : kMetrics) {
    if (metric.name == name) return &metric;
  }
  return nullptr;
}

std::string_view unit_name(Unit unit) {
  switch (unit) {
    case Unit::count:
      return "count";
    case Unit::ratio:
      return "ratio";
    case Unit::money:
      return "money";
    case Unit::seconds:
      return "seconds";
    case Unit::number:
      return "number";
  }
  return "";
}

std::string_view metric_kind_name(MetricKind kind) {
  switch (kind) {
    case additive:
      return "additive";
    case ratio:
      return "ratio";
    case distinct:
      return "distinct";
    case distribution:
      return "distribution";
  }
  return "";
}

std::string money_sum(std::string_view amount, std::string_view rate_ppb) {
  const std::string text(amount);
  if (rate_ppb.empty()) return "CAST(sum(" + text + ") * 1000000000 AS HUGEINT)";
  return "sum(CAST(CAST((" + text + ") AS DECIMAL(38, 9)) * 1000000000 AS HUGEINT) * " +
         std::string(rate_ppb) + ")";
}

// Money is rounded once: to whole nanos, half away from zero.
std::string metric_sql(const Metric& metric, int64_t scale) {
  const std::string numerator(metric.numerator);
  const std::string denominator(metric.denominator);
  const std::string unit = std::to_string(scale);
  if (metric.unit != Unit::money) {
    return denominator.empty() ? numerator
                               : numerator + "::DOUBLE / nullif(" + denominator + ", 0)";
  }
  if (denominator.empty() && scale == 1) return numerator;
  const std::string divisor =
      denominator.empty() ? unit : "(" + denominator + "::HUGEINT * " + unit + ")";
  return "CASE WHEN " + divisor + " > 0 THEN sign(" + numerator + ") * ((abs(" + numerator +
         ") * " + std::to_string(2 * metric.factor) + " + " + divisor + ") // (" + divisor +
         " * 2)) END";
}

}  // namespace adweave::query
