// SPDX-License-Identifier: Apache-2.0
// A query's rows as a file, written as they come: a result of any size needs no more memory than
// the query itself. The file is there whole or not at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "ledger/ledger.h"

namespace adweave::query {

enum class FileFormat { parquet, csv, json, ndjson };
std::optional<FileFormat> parse_file_format(std::string_view name);
// By the extension: "clicks.parquet"; also .jsonl.
std::optional<FileFormat> file_format_of(std::string_view path);

struct Export {
  int64_t rows = 0;
  int64_t bytes = 0;
};

// Writes the rows of `select` over the views of SqlEngine as of a commit, and `kpi`, to `path`,
// in the place of what is there. Times are RFC 3339 UTC, money decimal, also as text. Fails with
// query or io; then nothing has changed.
Result<Export> export_query(FileSystem& fs, const std::string& dir, const ledger::Ledger& ledger,
                            int64_t as_of, const std::string& select, const std::string& path,
                            FileFormat format);

}  // namespace adweave::query
