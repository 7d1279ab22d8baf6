// SPDX-License-Identifier: Apache-2.0
// KPI reports: metrics by dimensions, as of a commit.
#pragma once

#include <string>
#include <vector>

#include "query/sql_engine.h"

namespace adweave::query {

// What day, hour and the like mean of a conversion and its credit.
enum class DateBy {
  conversion,  // its own time
  touch,       // the time of the touch that has the credit; its own without one
  posting,     // the day on which each change of its credit was booked: closed periods never change
};

struct ReportQuery {
  std::vector<std::string> by;       // dimensions; none: one row
  std::vector<std::string> metrics;  // none: default_metrics()
  std::string zone = "UTC";          // of day, hour, ...
  DateBy date_by = DateBy::conversion;
  std::string currency;  // all money converted into it by the exchange rate of the event's UTC day;
                         // empty: amounts stay in their own
};

struct Report {
  QueryResult table;
  std::vector<std::string> notes;  // what a reader must know: cells with several currencies
};

// Conversions belong to the campaign, ad group, creative, placement and website of their winning
// touch; those without one are in the row whose key is null, so the sums over any grouping equal
// the ungrouped total. A money cell of several currencies is null, and one with an amount that has
// no exchange rate. Fails with query: an unknown metric, dimension or currency, and what was meant.
Result<Report> run_report(const SqlEngine& sql, const ReportQuery& query);

// The known name closest to `name`; empty when none is close.
std::string closest_name(std::string_view name, const std::vector<std::string>& known);

}  // namespace adweave::query
