// SPDX-License-Identifier: Apache-2.0
#include "engine/dimension_files.h"

#include "base/hash.h"
#include "decode/csv_scanner.h"
#include "event/schema.h"

namespace adweave::engine {

namespace {

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

Result<Table> parse_csv(const DimensionFile& file) {
  decode::CsvScanner scanner({}, limits::kEventBytesMax);
  Table table;
  for (size_t at = 0; at < file.bytes.size();) {
    const auto record = scanner.next(file.bytes, at, true);
    const auto error = [&](const std::string& what) {
      return Error{ErrorCode::config,
                   file.original + ": at byte " + std::to_string(at) + ": " + what};
    };
    if (record->problem) return error(*record->problem);
    if (record->length > 0 && table.columns.empty()) {
      table.columns.assign(record->fields.begin(), record->fields.end());
    } else if (record->length > 0) {
      if (record->fields.size() != table.columns.size()) {
        return error("the row has " + std::to_string(record->fields.size()) +
                     " fields, the header " + std::to_string(table.columns.size()));
      }
      table.rows.emplace_back(record->fields.begin(), record->fields.end());
    }
    at = record->end;
  }
  return table;
}

}  // namespace

Result<std::vector<DimensionFile>> read_dimension_files(const FileSystem& fs, const Job& job) {
  std::vector<DimensionFile> files;
  for (const auto& [name, original] : job.dimensions) {
    DimensionFile file;
    file.name = name;
    file.original = original;
    const std::string path = original.starts_with('/') ? original : join_path(job.folder, original);
    ADWEAVE_ASSIGN(file.bytes, read_file(fs, path, limits::kDimensionBytesMax));
    file.checksum = to_hex(hash128(file.bytes));
    files.push_back(std::move(file));
  }
  return files;
}

Result<state::Dimensions> load_dimensions(const std::vector<DimensionFile>& files) {
  state::Dimensions dimensions;
  for (const DimensionFile& file : files) {
    ADWEAVE_ASSIGN(const Table table, parse_csv(file));
    Result<state::Dimension> dimension =
        state::Dimension::load(file.name, table.columns, table.rows);
    if (!dimension) return std::move(dimension).error().within(file.original);
    dimensions.emplace(file.name, *std::move(dimension));
  }
  return dimensions;
}

std::vector<const DimensionFile*> changed_dimensions(const std::vector<DimensionFile>& files,
                                                     const ledger::Ledger& ledger) {
  const auto newest = ledger.dimensions(ledger.head());
  std::vector<const DimensionFile*> changed;
  for (const DimensionFile& file : files) {
    const auto it = newest.find(file.name);
    if (it == newest.end() || it->second.checksum != file.checksum) changed.push_back(&file);
  }
  return changed;
}

Status commit_dimensions(FileSystem& fs, const Job& job, const std::vector<DimensionFile>& files,
                         ledger::LedgerWriter& writer, int64_t now) {
  const std::vector<const DimensionFile*> changed = changed_dimensions(files, writer.ledger());
  if (changed.empty()) return {};
  const std::string folder = "lake/_dimensions";
  ADWEAVE_TRY(make_dirs(fs, join_path(job.data, folder)));
  ledger::CommitRecord record;
  record.kind = "dimensions";
  record.committed_at = now;
  record.configuration = job.configuration;
  for (const DimensionFile* file : changed) {
    const std::string path = folder + "/" + file->name + "-" + std::to_string(writer.epoch()) +
                             "-" + std::to_string(writer.ledger().head() + 1) + ".csv";
    ADWEAVE_TRY(write_synced(fs, join_path(job.data, path), file->bytes));
    record.dimensions.push_back({file->name, path, file->original,
                                 static_cast<int64_t>(file->bytes.size()), file->checksum});
  }
  ADWEAVE_TRY(fs.sync_dir(join_path(job.data, folder)));
  return writer.append(std::move(record));
}

}  // namespace adweave::engine
