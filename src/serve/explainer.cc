// SPDX-License-Identifier: Apache-2.0
#include "serve/explainer.h"

#include <algorithm>

#include "lookup/life.h"
#include "query/explain.h"

namespace adweave::serve {

namespace {

query::RowKinds kinds_of(const lookup::RowSet& rows) {
  const auto has = [&](std::string_view table, const auto& holds) {
    const std::vector<const lookup::Record*> records = rows.of(table);
    return std::any_of(records.begin(), records.end(), holds);
  };
  const auto any = [](const lookup::Record*) { return true; };
  const auto adjusts = [](const lookup::Record* record) {
    const std::string_view adjustment = record->text("adjustment");
    return !adjustment.empty() && adjustment != "none";
  };
  const auto takes_back = [](const lookup::Record* record) {
    const int64_t* sign = record->value("sign").as_int();
    return sign == nullptr || *sign < 0;
  };
  return {.facts = has("facts", any),
          .engagements = has("engagements", any),
          .adjustments = has("conversions", adjusts),
          .taken_back = has("credits_log", takes_back)};
}

}  // namespace

Result<Explainer::Told> Explainer::explain(const std::string& id) {
  ADWEAVE_ASSIGN(const lookup::RowSet found, lookup::rows_to_explain(index_, id));
  const std::lock_guard guard(mutex_);
  rows_.clear();
  for (const lookup::Record& record : found.all())
    rows_[std::string(record.table->name)].push_back(record.values);
  ADWEAVE_ASSIGN(const query::SqlEngine* sql, engine(kinds_of(found)));
  ADWEAVE_ASSIGN(query::QueryResult steps, query::explain(*sql, id));
  return Told{std::move(steps), found.commit()};
}

Result<query::SqlEngine*> Explainer::engine(const query::RowKinds& kinds) {
  auto found = engines_.find(kinds);
  if (found == engines_.end()) {
    ADWEAVE_ASSIGN(query::SqlEngine sql, query::SqlEngine::open_given(rows_, kinds));
    found = engines_.emplace(kinds, std::move(sql)).first;
  }
  return &found->second;
}

}  // namespace adweave::serve
