// SPDX-License-Identifier: Apache-2.0
// Rows that tell of one thing together: what came of an auction or an impression, and what must be
// known to explain an event.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "lookup/index.h"

namespace adweave::lookup {

// Rows, each once.
class RowSet {
 public:
  // Adds every row that names the id, once however often it is asked.
  Status add(const Index& index, std::string_view id);

  // Of one table, as they were found; stays true while nothing is added.
  std::vector<const Record*> of(std::string_view table) const;
  const std::vector<Record>& all() const { return records_; }
  // The newest commit that all were looked for in.
  int64_t commit() const { return commit_; }

 private:
  std::set<std::string, std::less<>> asked_;
  std::set<std::string> seen_;
  std::vector<Record> records_;
  int64_t commit_ = INT64_MAX;
};

// A click as it stands now: with what later commits found out about it (the SQL view `clicks`).
Record click_now(const Record& click, const RowSet& rows);

// What led to impressions, and what came of them.
struct Life {
  std::vector<Record> bid_requests;
  std::vector<Record> auction_outcomes;
  std::vector<Record> impressions;
  std::vector<Record> engagements;
  std::vector<Record> clicks;   // as they stand now
  std::vector<Record> credits;  // current ones: those that no later row has taken back
  int64_t commit = 0;
};
Result<Life> life_of_auction(const Index& index, std::string_view auction_id);
Result<Life> life_of_impression(const Index& index, std::string_view impression_id);

// All rows that query/explain.h reads for an id or a position.
Result<RowSet> rows_to_explain(const Index& index, std::string_view id);

}  // namespace adweave::lookup
