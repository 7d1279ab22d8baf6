// SPDX-License-Identifier: Apache-2.0
// The ledger as of a commit, for who works beside the thread that goes on writing it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ledger/ledger.h"

namespace adweave::engine {

struct LedgerView {
  explicit LedgerView(const ledger::Ledger& ledger)
      : ledger_id(ledger.ledger_id()),
        head(ledger.head()),
        epoch(ledger.epoch()),
        live(ledger.live_files("", ledger.head())),
        sealed_days(ledger.sealed_days()) {}

  std::string ledger_id;
  int64_t head = 0;
  int64_t epoch = 0;
  std::vector<event::DataFile> live;
  std::map<std::string, int64_t> sealed_days;
};

}  // namespace adweave::engine
