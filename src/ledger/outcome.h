// SPDX-License-Identifier: Apache-2.0
// What a commit of a running server did, for those who wait for it: senders and metrics.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ledger/commit_record.h"

namespace adweave::ledger {

// What became of one delivery, which begins there in the journal.
struct DeliveryOutcome {
  int64_t segment = 0;
  int64_t offset = 0;
  int64_t commit = 0;
  int64_t accepted = 0;
  int64_t duplicate = 0;
  int64_t conflict = 0;
  int64_t rejected = 0;
  std::vector<std::string> errors;  // of the first rejects, with their positions
};

struct CommitOutcome {
  int64_t commit = 0;
  int64_t duration_us = 0;
  std::vector<Counts> counts;                             // by source
  std::vector<std::pair<std::string, int64_t>> rejected;  // by reason
  std::vector<DeliveryOutcome> deliveries;
  int64_t segment = 0;  // all of the journal before it is committed; 0: nothing of it was
  int64_t offset = 0;
  int64_t latest_receipt = 0;  // of the rows, microseconds UTC; 0: none
};

}  // namespace adweave::ledger
