// SPDX-License-Identifier: Apache-2.0
// The SQL functions given_rows('clicks'), a table's rows that are given, and given_value('id'), a
// text that is given. Unlike a parameter, it does not have a statement planned again. Inside query/
// only.
#pragma once

#include <map>
#include <string>

#include <duckdb.h>

#include "base/result.h"
#include "event/schema.h"
#include "query/given_rows.h"

namespace adweave::query {

// Makes the function known to a connection. `rows` must outlive it; who reads the table then reads
// what stands there at that time.
Status add_given_rows(duckdb_connection connection, const GivenRows& rows);

// By name.
using GivenValues = std::map<std::string, std::string, std::less<>>;
Status add_given_values(duckdb_connection connection, const GivenValues& values);

// A SELECT of all its rows.
std::string given_select(const event::TableInfo& table);

}  // namespace adweave::query
