// SPDX-License-Identifier: Apache-2.0
// export: a query's rows as a file.
#include "query/export.h"

#include <fmt/format.h>

#include "app/command.h"

namespace adweave::app {

namespace {

struct ExportOptions {
  ReadOptions read;
  std::string path;
  std::string format;  // empty: as the path says
  std::string statement;
  std::string table;
  bool force = false;
};

Result<query::FileFormat> format_of(const ExportOptions& options) {
  const auto format = options.format.empty() ? query::file_format_of(options.path)
                                             : query::parse_file_format(options.format);
  if (format) return *format;
  return Error{ErrorCode::usage, "'" + options.path + "' does not tell its format",
               "end it in .parquet, .csv, .json or .ndjson, or give --format"};
}

Result<std::string> select_of(const ExportOptions& options) {
  if (options.statement.empty() == options.table.empty()) {
    return Error{ErrorCode::usage, "what is to be exported?",
                 "give a SELECT, or --table with the name of a table or view"};
  }
  if (!options.statement.empty()) return options.statement;
  return "FROM " + query::sql_name(options.table);
}

Result<query::Export> export_rows(FileSystem& fs, const ExportOptions& options) {
  ADWEAVE_ASSIGN(const query::FileFormat format, format_of(options));
  ADWEAVE_ASSIGN(const std::string select, select_of(options));
  if (fs.exists(options.path) && !options.force) {
    return Error{ErrorCode::usage, options.path + " is there already",
                 "--force replaces it; or choose another name"};
  }
  ADWEAVE_ASSIGN(const ledger::Ledger ledger, ledger::Ledger::open(fs, options.read.data));
  ADWEAVE_ASSIGN(const int64_t as_of, commit_of(ledger, options.read));
  note_gone_days(ledger);
  return query::export_query(fs, options.read.data, ledger, as_of, select, options.path, format);
}

int export_command(FileSystem& fs, const ExportOptions& options) {
  const Result<query::Export> done = export_rows(fs, options);
  if (!done) return fail(done.error());
  fmt::print("{}: {} rows, {} bytes\n", options.path, done->rows, done->bytes);
  return kOk;
}

}  // namespace

void add_export_command(Program& program) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command = add_command(
      program, "export", "Writes the rows of a SELECT to a file, whole or not at all.",
      {"adweave export --data DIR --to spend.csv \"SELECT campaign_id, sum(cost) AS spend FROM "
       "clicks GROUP BY 1\"",
       "adweave export --data DIR --to clicks.parquet --table clicks",
       "adweave export --data DIR --to kpi.ndjson --table kpi --as-of 12 --force"});
  command->add_option("--data", options->read.data, "The data folder")
      ->required()
      ->type_name("DIR");
  command->add_option("--to", options->path, "The file to write")->required()->type_name("FILE");
  command
      ->add_option("--format", options->format,
                   "parquet, csv, json (an array) or ndjson; by default as FILE ends")
      ->check(CLI::IsMember({"parquet", "csv", "json", "ndjson"}))
      ->type_name("FORMAT");
  command->add_option("--as-of", options->read.as_of, "As the ledger was after commit N")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  command->add_option("--table", options->table, "All rows of this table or view")
      ->type_name("NAME");
  command->add_flag("--force", options->force, "Replace FILE where it is there already");
  command->add_option("statement", options->statement, "The SELECT")->type_name("SQL");
  command->callback([&program, options] {
    program.action = [&program, options] { return export_command(program.fs, *options); };
  });
}

}  // namespace adweave::app
