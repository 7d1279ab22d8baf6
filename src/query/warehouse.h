// SPDX-License-Identifier: Apache-2.0
// DIR/warehouse.duckdb: the KPI cells of the ledger up to a commit, its cursor. A projection: it is
// built from the ledger, brought up to date by recomputing the cells that newer commits touch, and
// put in place by rename, so it is there whole or not at all. Deleting it changes no answer.
#pragma once

#include <cstdint>
#include <string>

#include "base/file_system.h"
#include "query/sql_engine.h"

namespace adweave::query {

struct WarehouseBuild {
  int64_t commit = 0;      // its cursor now
  int64_t cells = 0;       // that it has
  int64_t recomputed = 0;  // of them
  bool afresh = false;     // built from nothing: there was none, or it was damaged, of another
                           // definition or ledger, or days were taken away
};

std::string warehouse_path(const std::string& dir);

// Brings the file up to the ledger's newest commit; `afresh` builds it from nothing. Fails with
// locked when another process does the same.
Result<WarehouseBuild> build_warehouse(FileSystem& fs, const std::string& dir,
                                       const ledger::Ledger& ledger, bool afresh);

// The commit that the file is as of. Fails with query when its cells cannot be used with this
// ledger.
Result<int64_t> warehouse_commit(const std::string& dir, const ledger::Ledger& ledger);

// SQL whose reports come from the warehouse where it has the answer: as of the newest commit, when
// there is a warehouse, after bringing it up to date. In every other case, or when it cannot be
// read, all answers come from the tables. `kpi` adds the view of that name.
Result<SqlEngine> open_with_warehouse(FileSystem& fs, const std::string& dir,
                                      const ledger::Ledger& ledger, int64_t as_of, bool kpi);

// Reads all of the warehouse, whose blocks have checksums; fails with query, saying what is wrong.
// A folder without warehouse is fine.
Status verify_warehouse(const FileSystem& fs, const std::string& dir);

}  // namespace adweave::query
