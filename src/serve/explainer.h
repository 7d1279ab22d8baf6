// SPDX-License-Identifier: Apache-2.0
// The life of an event (query/explain.h), told from the index of ids.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "lookup/index.h"
#include "query/sql_engine.h"

namespace adweave::serve {

class Explainer {
 public:
  // The index must outlive it.
  explicit Explainer(const lookup::Index& index) : index_(index) {}

  struct Told {
    query::QueryResult steps;
    int64_t commit = 0;  // the newest that was looked at
  };
  // Fails as query::explain() does. Any thread; one at a time.
  Result<Told> explain(const std::string& id);

 private:
  Result<query::SqlEngine*> engine(const query::RowKinds& kinds);

  const lookup::Index& index_;
  std::mutex mutex_;
  query::GivenRows rows_;  // of the question that is answered
  std::map<query::RowKinds, query::SqlEngine> engines_;
};

}  // namespace adweave::serve
