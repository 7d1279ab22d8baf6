// SPDX-License-Identifier: Apache-2.0
// The lake by days: what is sealed, and what is not yet.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ledger/ledger.h"

namespace adweave::ledger {

struct LakeDay {
  std::string date;    // "2023-11-01"
  std::string table;   // empty: all of them
  int64_t files = 0;   // live ones
  int64_t sealed = 0;  // of them
  int64_t rows = 0;
  int64_t pending = 0;  // rows that are in no sealed file
  int64_t bytes = 0;
  std::optional<int64_t> complete_through;  // commit through which all rows of the day are sealed
};

// Days with live files as of the newest commit, oldest first; with `by_table` one for each table.
std::vector<LakeDay> lake_days(const Ledger& ledger, bool by_table);

}  // namespace adweave::ledger
