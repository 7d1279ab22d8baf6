// SPDX-License-Identifier: Apache-2.0
// The sums of a commit by source: what the table `audit` holds.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "event/batch.h"

namespace adweave::process {

// Sums of one source in one commit.
struct SourceSums {
  int64_t records_read = 0;
  int64_t accepted = 0;
  int64_t duplicate = 0;
  int64_t conflict = 0;
  int64_t rejected = 0;
  std::string position_before;  // "file:offset" of the first and the last file touched
  std::string position_after;
  int64_t latest_receipt = 0;
  std::map<std::string, Int128> cost;   // nanos by currency
  std::map<std::string, Int128> value;  // of conversions

  int64_t received() const { return accepted + duplicate + conflict + rejected; }
};

// Adds the money of accepted rows.
void add_money(SourceSums& sums, const event::Batch& batch);

// Appends the source's row of counts and one row of sums for each currency.
void add_audit(event::AuditRows& rows, const std::string& source, const SourceSums& sums);

}  // namespace adweave::process
