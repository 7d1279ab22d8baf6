// SPDX-License-Identifier: Apache-2.0
// Reads lake files back into rows: what recovery and tests need. Queries read the files by SQL
// (query/).
#pragma once

#include <span>
#include <string>

#include "base/file_system.h"
#include "event/batch.h"
#include "event/data_file.h"

namespace adweave::lake {

// The named columns of an event file, all of them when `fields` is empty. Fails with corrupt or io,
// naming the file.
Result<event::Batch> read_events(const FileSystem& fs, const std::string& dir,
                                 const event::DataFile& file,
                                 std::span<const event::Field> fields = {});

// All columns of a file of a table beside the events: CreditRows, FactRows, RejectRows,
// DuplicateRows, AuditRows.
template <class Rows>
Result<Rows> read_rows(const FileSystem& fs, const std::string& dir, const event::DataFile& file);

}  // namespace adweave::lake
