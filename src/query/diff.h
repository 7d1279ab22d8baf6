// SPDX-License-Identifier: Apache-2.0
// Why a number changed between two commits.
//
// Every row that came between them has one cause. The report is computed with the rows of the first
// commit, then with those of one cause more at a time, in the order of diff_causes(), and at last
// as of the second commit. What a cause explains is what its step changes, so the causes sum to the
// difference exactly, whatever the metric is made of.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "query/report.h"

namespace adweave::query {

struct DiffCause {
  std::string_view name;  // a column of the result
  std::string_view description;
};
std::span<const DiffCause> diff_causes();

struct DiffQuery {
  int64_t before = 0;                // a commit; 0: the empty ledger
  int64_t after = 0;                 // a later one
  std::vector<std::string> by;       // as in a report
  std::vector<std::string> metrics;  // additive ones; none: the usual ones
  std::string zone = "UTC";
};

// A row for each group, metric and, of money, currency: before, after, difference, and the part of
// it that each cause explains. Groups without any are left out. Money and shares of credit are
// decimal strings. Fails with query: a metric that is not additive, an unknown name.
Result<Report> diff(const std::string& dir, const ledger::Ledger& ledger, const DiffQuery& query);

}  // namespace adweave::query
