// SPDX-License-Identifier: Apache-2.0
#include "serve/explainer.h"

#include "lookup/life.h"
#include "query/explain.h"

namespace adweave::serve {

Result<Explainer::Told> Explainer::explain(const std::string& id) {
  ADWEAVE_ASSIGN(const lookup::RowSet found, lookup::rows_to_explain(index_, id));
  const std::lock_guard guard(mutex_);
  rows_.clear();
  for (const lookup::Record& record : found.all())
    rows_[std::string(record.table->name)].push_back(record.values);
  ADWEAVE_ASSIGN(const query::SqlEngine* sql, engine());
  ADWEAVE_ASSIGN(query::QueryResult steps, query::explain(*sql, id));
  return Told{std::move(steps), found.commit()};
}

// Of the rows that are given now.
Result<query::SqlEngine*> Explainer::engine() {
  const query::SqlEngine::Empty empty{.facts = !rows_.contains("facts"),
                                      .engagements = !rows_.contains("engagements")};
  const std::pair key(empty.facts, empty.engagements);
  auto found = engines_.find(key);
  if (found == engines_.end()) {
    ADWEAVE_ASSIGN(query::SqlEngine sql, query::SqlEngine::open_given(rows_, empty));
    found = engines_.emplace(key, std::move(sql)).first;
  }
  return &found->second;
}

}  // namespace adweave::serve
