// SPDX-License-Identifier: Apache-2.0
// Results on standard output: a table for people, JSON, NDJSON or CSV for programs.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "query/sql_engine.h"

namespace adweave::app {

enum class OutputFormat { table, json, ndjson, csv };
std::optional<OutputFormat> parse_output(std::string_view name);

// Writes rows. As a table, columns that do not fit `width` are cut with "..."; numbers stand to the
// right; null is empty.
void write_result(std::ostream& out, const query::QueryResult& result, OutputFormat format,
                  int width);

}  // namespace adweave::app
