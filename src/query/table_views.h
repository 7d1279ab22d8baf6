// SPDX-License-Identifier: Apache-2.0
// The SQL that makes the views. Inside query/ only.
#pragma once

#include <string>
#include <vector>

#include "ledger/ledger.h"

namespace adweave::query {

// CREATE VIEW statements: the tables of the schema over their live files, then what is derived from
// them.
std::vector<std::string> view_statements(const std::string& dir, const ledger::Ledger& ledger,
                                         int64_t as_of);

}  // namespace adweave::query
