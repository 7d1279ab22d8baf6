// SPDX-License-Identifier: Apache-2.0
// How a row file of the lake is laid out, and its writing. Inside lake/ only.
//
// Money is DECIMAL(18,9) (sums DECIMAL(38,9)), time TIMESTAMP(us, UTC); how pages are encoded is
// told by column_pages.h. All are zstd but the content hash, which cannot be compressed; every page
// has its CRC and an entry in the page index; field ids come from the schema. The footer's
// key-value metadata says which schema and ledger the rows are of and which commits they came with:
// adweave.format_version, .table, .schema, .ledger_id, .first_commit, .last_commit.
#pragma once

#include <cstdint>

#include "base/file_system.h"
#include "event/data_file.h"
#include "lake/column_values.h"
#include "lake/table_writer.h"

namespace adweave::lake {

// Creates file.path exclusively, writes so many rows of the file's table, column by column of each
// row group as they are gathered, and syncs the file and its folder. `id_filters`: a Bloom filter
// of each id column. Sets file.rows, bytes and checksum; the rest is the caller's.
Status write_parquet_file(FileSystem& fs, const WriteOptions& options, bool id_filters,
                          int64_t rows, const Gather& gather, event::DataFile& file);

}  // namespace adweave::lake
