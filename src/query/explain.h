// SPDX-License-Identifier: Apache-2.0
// An event's life, read from the ledger: where it came from, what rules said of it, its repeats,
// its join, the touches that competed, its credits and adjustments, and the KPI cells it counts in.
#pragma once

#include <string>

#include "query/sql_engine.h"

namespace adweave::query {

// Rows of kind, advertiser_id, event_id, step, commit, what and detail: what happened, in a
// sentence, and its figures as an object. Steps of one event stand together, in the order of its
// life. `id` is an event_id or a source_position ("clicks.csv:120"); every event that has it is
// shown, and rejects and repeats too. Fails with usage when nothing has it.
Result<QueryResult> explain(const SqlEngine& sql, const std::string& id);

}  // namespace adweave::query
