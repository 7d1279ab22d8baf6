// SPDX-License-Identifier: Apache-2.0
#include "process/roll_up.h"

#include <algorithm>
#include <set>
#include <vector>

#include "base/limits.h"

namespace adweave::process {

namespace {

// By code first: a look-up of its currency for each amount took 2 % of a run.
void add_sum(std::map<std::string, Int128>& sums, const event::MoneyColumn& amounts,
             const event::Batch& batch) {
  if (amounts.is_empty()) return;
  const event::DictColumn& currencies = batch.currency;
  const auto unknown = static_cast<size_t>(currencies.dictionary().size());
  struct Sum {
    bool any = false;
    Int128 amount = 0;
  };
  std::vector<Sum> by_code(unknown + 1);
  for (int64_t row = 0; row < std::min(batch.rows, amounts.size()); ++row) {
    if (!amounts.has(row)) continue;
    const bool known = currencies.has(row);
    Sum& sum = by_code[known ? static_cast<size_t>(currencies.code(row)) : unknown];
    sum.any = true;
    sum.amount += amounts[row];
  }
  for (size_t code = 0; code <= unknown; ++code) {
    if (!by_code[code].any) continue;
    const bool known = code < unknown;
    sums[std::string(known ? currencies.dictionary()[static_cast<int32_t>(code)] : "")] +=
        by_code[code].amount;
  }
}

int64_t put_common(event::AuditRows& rows, const std::string& source, const SourceSums& sums) {
  const int64_t row = rows.rows++;
  rows.source.put(row, source);
  rows.posting_date.put(row, sums.latest_receipt - sums.latest_receipt % limits::kDayUs);
  return row;
}

}  // namespace

void add_money(SourceSums& sums, const event::Batch& batch) {
  add_sum(sums.cost, batch.cost, batch);
  add_sum(sums.value, batch.value, batch);
}

void add_audit(event::AuditRows& rows, const std::string& source, const SourceSums& sums) {
  const int64_t row = put_common(rows, source, sums);
  rows.position_before.put(row, sums.position_before);
  rows.position_after.put(row, sums.position_after);
  rows.records_read.put(row, sums.records_read);
  rows.received.put(row, sums.received());
  rows.accepted.put(row, sums.accepted);
  rows.duplicate.put(row, sums.duplicate);
  rows.conflict.put(row, sums.conflict);
  rows.rejected.put(row, sums.rejected);

  std::set<std::string> currencies;
  for (const auto& [currency, sum] : sums.cost) currencies.insert(currency);
  for (const auto& [currency, sum] : sums.value) currencies.insert(currency);
  for (const std::string& currency : currencies) {
    const int64_t at = put_common(rows, source, sums);
    rows.currency.put(at, currency);  // empty: amounts whose currency is not known
    if (const auto it = sums.cost.find(currency); it != sums.cost.end())
      rows.cost.put(at, it->second);
    if (const auto it = sums.value.find(currency); it != sums.value.end())
      rows.conversion_value.put(at, it->second);
  }
}

}  // namespace adweave::process
