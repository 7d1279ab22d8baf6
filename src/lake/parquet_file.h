// SPDX-License-Identifier: Apache-2.0
// How a row file of the lake is laid out, and its writing. Inside lake/ only.
//
// Money is DECIMAL(18,9) (sums DECIMAL(38,9)), time TIMESTAMP(us, UTC), dict columns are
// dictionary-encoded, unique ids DELTA_LENGTH_BYTE_ARRAY, times and integers DELTA_BINARY_PACKED,
// the content hash and columns without a value PLAIN, all zstd, every page with its CRC and an
// entry in the page index; field ids come from the schema. The footer's key-value metadata says
// which schema and ledger the rows are of and which commits they came with: adweave.format_version,
// .table, .schema, .ledger_id, .first_commit, .last_commit.
#pragma once

#include <cstdint>
#include <memory>

#include <arrow/type_fwd.h>

#include "base/file_system.h"
#include "base/limits.h"
#include "event/data_file.h"
#include "event/schema.h"
#include "lake/table_writer.h"

namespace adweave::lake {

std::shared_ptr<arrow::Schema> arrow_schema(const event::TableInfo& table);

struct ParquetShape {
  int64_t row_group_rows = limits::kRowGroupRows;
  bool id_filters = false;  // a Bloom filter of each id column that a row group has values of
};

// Creates file.path exclusively, writes the rows, of the schema arrow_schema() gives, and syncs the
// file and its folder. Sets file.rows, bytes and checksum; the rest is the caller's.
Status write_parquet_file(FileSystem& fs, const WriteOptions& options, const ParquetShape& shape,
                          const arrow::Table& rows, event::DataFile& file);

}  // namespace adweave::lake
