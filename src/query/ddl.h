// SPDX-License-Identifier: Apache-2.0
// CREATE statements with which other programs see the lake's tables: the sealed days as plain
// Parquet, `<lake>/<table>/dt=<day>/*.parquet`, or a table of their own that such files are loaded
// into. Columns, types and comments are those of event::all_tables().
//
//   ADWEAVE_ASSIGN(std::string text, ddl(*event::find_table("clicks"), {"hive", "s3://b/lake"}));
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "event/schema.h"

namespace adweave::query {

// "hive", "spark", ...
std::vector<std::string> ddl_dialects();

struct DdlOptions {
  std::string dialect;         // of ddl_dialects()
  std::string lake;            // where the reader finds the lake, as a URI; postgres needs none
  std::string prefix = "ad_";  // of the tables' names
  std::string schema;          // or database that they are in; empty: that of the session
};

// The statements of one table, each ended by a semicolon. Prefix and schema must be plain names.
// Fails with usage when the dialect is unknown or cannot read from `lake`.
Result<std::string> ddl(const event::TableInfo& table, const DdlOptions& options);

}  // namespace adweave::query
