// SPDX-License-Identifier: Apache-2.0
// A row of a table as JSON, for programs that take rows one by one.
#pragma once

#include <cstdint>
#include <string>

#include "event/batch.h"

namespace adweave::event {

// Appends {"table":"clicks","event_id":...}: the columns in their order, without those that are
// null. Times are ISO 8601 in UTC, money a string with its exact decimals.
void append_row_json(std::string& out, const TableRows& rows, int64_t row);

}  // namespace adweave::event
