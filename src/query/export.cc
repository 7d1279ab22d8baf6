// SPDX-License-Identifier: Apache-2.0
#include "query/export.h"

#include <unistd.h>

#include "query/sql_engine.h"

namespace adweave::query {

namespace {

std::string copy_options(FileFormat format) {
  const std::string times = ", TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%S.%fZ'";
  switch (format) {
    case FileFormat::parquet:
      return "FORMAT parquet, COMPRESSION zstd";
    case FileFormat::csv:
      return "FORMAT csv, HEADER" + times;
    case FileFormat::json:
      return "FORMAT json, ARRAY true" + times;
    case FileFormat::ndjson:
      return "FORMAT json, ARRAY false" + times;
  }
  return "";
}

Result<Export> write(FileSystem& fs, const SqlEngine& sql, const std::string& select,
                     FileFormat format, const std::string& fresh, const std::string& path) {
  Export done;
  ADWEAVE_ASSIGN(done.rows, sql.copy(select, copy_options(format)));
  ADWEAVE_ASSIGN(const std::unique_ptr<File> file, fs.open(fresh));
  ADWEAVE_TRY(file->sync());
  ADWEAVE_ASSIGN(const FileInfo info, fs.info(fresh));
  done.bytes = info.size;
  ADWEAVE_TRY(fs.rename(fresh, path));
  ADWEAVE_TRY(fs.sync_dir(parent_path(path)));
  return done;
}

}  // namespace

std::optional<FileFormat> parse_file_format(std::string_view name) {
  if (name == "parquet") return FileFormat::parquet;
  if (name == "csv") return FileFormat::csv;
  if (name == "json") return FileFormat::json;
  if (name == "ndjson" || name == "jsonl") return FileFormat::ndjson;
  return std::nullopt;
}

std::optional<FileFormat> file_format_of(std::string_view path) {
  const size_t dot = path.rfind('.');
  return dot == std::string_view::npos ? std::nullopt : parse_file_format(path.substr(dot + 1));
}

Result<Export> export_query(FileSystem& fs, const std::string& dir, const ledger::Ledger& ledger,
                            int64_t as_of, const std::string& select, const std::string& path,
                            FileFormat format) {
  // Its own for each process: two that write to the same path do not write into one file.
  const std::string fresh = path + "." + std::to_string(getpid()) + ".new";
  SqlOptions options;
  options.kpi = true;
  options.target = fresh;
  ADWEAVE_ASSIGN(const SqlEngine sql, SqlEngine::open(dir, ledger, as_of, options));
  Result<Export> done = write(fs, sql, select, format, fresh, path);
  if (!done && fs.exists(fresh)) (void)fs.unlink(fresh);
  return done;
}

}  // namespace adweave::query
