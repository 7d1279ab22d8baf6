// SPDX-License-Identifier: Apache-2.0
// Reads lake files back into rows: what recovery and tests need. Queries read the files by SQL
// (query/).
#pragma once

#include <functional>
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

// The same, row group by row group: a large file is never in memory as a whole. What `visit` fails
// with ends it.
Status visit_events(const FileSystem& fs, const std::string& dir, const event::DataFile& file,
                    std::span<const event::Field> fields,
                    const std::function<Status(const event::Batch&)>& visit);
template <class Rows>
Status visit_rows(const FileSystem& fs, const std::string& dir, const event::DataFile& file,
                  const std::function<Status(const Rows&)>& visit);

}  // namespace adweave::lake
