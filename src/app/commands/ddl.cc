// SPDX-License-Identifier: Apache-2.0
// ddl: the statements with which other programs see the lake's tables.
#include "query/ddl.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include <fmt/format.h>

#include "app/command.h"

namespace adweave::app {

namespace {

struct DdlCommand {
  query::DdlOptions ddl;
  std::string data;
  std::vector<std::string> tables;
};

// A day of the table is sealed: its files stand where plain readers look.
bool has_sealed_day(const FileSystem& fs, const std::string& data, std::string_view table) {
  const auto names = fs.list(join_path(join_path(data, "lake"), table));
  return names && std::any_of(names->begin(), names->end(),
                              [](const std::string& name) { return name.starts_with("dt="); });
}

// Those that were named; else all, but of a data folder those alone that have something to show.
Result<std::vector<const event::TableInfo*>> chosen_tables(const FileSystem& fs,
                                                           const DdlCommand& options) {
  std::vector<const event::TableInfo*> tables;
  for (const std::string& name : options.tables) {
    const event::TableInfo* table = event::find_table(name);
    if (table == nullptr) {
      return Error{ErrorCode::usage, "there is no table '" + name + "'",
                   "docs/reference/fields.md names them all"};
    }
    tables.push_back(table);
  }
  if (!tables.empty()) return tables;
  for (const event::TableInfo& table : event::all_tables()) {
    if (options.data.empty() || has_sealed_day(fs, options.data, table.name))
      tables.push_back(&table);
  }
  if (!tables.empty()) return tables;
  return Error{ErrorCode::not_found, "no day of " + options.data + " is sealed yet",
               "name the tables with --table to have their statements all the same"};
}

int ddl_command(const FileSystem& fs, DdlCommand options) {
  if (options.ddl.lake.empty() && !options.data.empty())
    options.ddl.lake = "file://" + std::filesystem::absolute(options.data).string() + "/lake";
  while (options.ddl.lake.ends_with('/')) options.ddl.lake.pop_back();
  if (options.ddl.lake.empty() && options.ddl.dialect != "postgres") {
    return fail({ErrorCode::usage, "where is the lake?", "give --data DIR or --location URI"});
  }
  const auto tables = chosen_tables(fs, options);
  if (!tables) return fail(tables.error());
  std::string text;
  for (const event::TableInfo* table : *tables) {
    const Result<std::string> statements = query::ddl(*table, options.ddl);
    if (!statements) return fail(statements.error());
    text += (text.empty() ? "" : "\n") + *statements;
  }
  fmt::print("{}", text);
  return kOk;
}

}  // namespace

void add_ddl_command(Program& program) {
  auto options = std::make_shared<DdlCommand>();
  CLI::App* command = add_command(
      program, "ddl", "Prints CREATE statements for the lake's sealed days in other programs.",
      {"adweave ddl --for hive --location hdfs://namenode:8020/adweave/lake | beeline -f "
       "/dev/stdin",
       "adweave ddl --for duckdb --data DIR",
       "adweave ddl --for redshift --location s3://bucket/lake --table clicks"});
  const CLI::Validator plain_name(
      [](const std::string& text) {
        const bool plain = std::all_of(text.begin(), text.end(), [](unsigned char c) {
          return c == '_' || (c < 0x80 && std::isalnum(c) != 0);
        });
        return plain ? "" : "'" + text + "' is not made of letters, digits and _";
      },
      "NAME");
  command->add_option("--for", options->ddl.dialect, "Whose SQL")
      ->required()
      ->check(CLI::IsMember(query::ddl_dialects()))
      ->type_name("hive|spark|trino|redshift|postgres|duckdb");
  command
      ->add_option("--location", options->ddl.lake,
                   "Where that program finds the lake; by default DIR/lake on this machine")
      ->type_name("URI");
  command
      ->add_option("--data", options->data,
                   "The data folder: without --table, its tables that have a sealed day")
      ->type_name("DIR");
  command->add_option("--table", options->tables, "This table alone; may be repeated")
      ->type_name("NAME");
  command->add_option("--prefix", options->ddl.prefix, "Before the tables' names, by default ad_")
      ->check(plain_name);
  command
      ->add_option("--schema", options->ddl.schema,
                   "Schema or database of the tables; by default the session's (Trino: default)")
      ->check(plain_name);
  command->callback([&program, options] {
    program.action = [&program, options] { return ddl_command(program.fs, *options); };
  });
}

}  // namespace adweave::app
