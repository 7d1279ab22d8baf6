// SPDX-License-Identifier: Apache-2.0
// Makes an ad platform's logs: seeded, deterministic, with the mess real feeds have, and with the
// truth beside them.
//
//   OUT/impressions.ndjson  clicks_conversions.csv  bid_requests.avro  auction_outcomes.ndjson
//   OUT/engagements.ndjson
//   OUT/late/...                                                    the same feeds, a day later
//   OUT/advertisers.csv campaigns.csv ad_groups.csv creatives.csv   with validity dates
//   OUT/adweave.yaml                                                ready to run
//   OUT/truth/<kind>.ndjson, OUT/truth/expected.json                written before the mess is
//   added
//
// The mess: natural duplicates, conflicting duplicates, orders that come again, late and
// out-of-order rows, a late delivery, double clicks, clicks without their impression, retractions
// and restatements, bots, creatives that no dimension knows, users without a name, several
// currencies, local times of several zones, and twelve kinds of malformed rows (feeds.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/file_system.h"

namespace adweave::source {

struct GeneratorOptions {
  int64_t events = 100'000;  // distinct valid events
  uint64_t seed = 1;
  std::string out;                           // a new or empty folder
  int64_t start_us = 1'698'796'800'000'000;  // 2023-11-01T00:00:00Z
  int64_t hours = 24;                        // of traffic
};

// Fails with usage when `out` holds something, io when it cannot be written, config without a tz
// database.
Status generate(FileSystem& fs, const GeneratorOptions& options,
                const std::function<void(int64_t, int64_t)>& progress);

}  // namespace adweave::source
