// SPDX-License-Identifier: Apache-2.0
// The SQL that makes the views. Inside query/ only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ledger/ledger.h"
#include "query/sql_engine.h"

namespace adweave::query {

// CREATE VIEW statements: the tables of the schema over their live files, then what is derived from
// them. With a choice, the tables have its rows alone. A table with a damaged file (by path, what
// is wrong with it) fails when it is read.
std::vector<std::string> view_statements(const std::string& dir, const ledger::Ledger& ledger,
                                         int64_t as_of,
                                         const std::map<std::string, std::string>& damaged,
                                         const RowChoice* choice = nullptr);

// The same over rows that are given (query/given_tables.h), without dimensions.
std::vector<std::string> given_view_statements(const RowKinds& kinds);

// The SQL of the views that are derived: with another, numbers may be others.
std::string derived_view_texts();

}  // namespace adweave::query
