// SPDX-License-Identifier: Apache-2.0
#include "query/ddl.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace adweave::query {

namespace {

// A dialect's names of types, by event::Type: Str, Dict, Id, Time, Money, Int, Float, Bool, Bytes,
// WideMoney.
using Types = std::array<std::string_view, 10>;

// What a dialect says in its own way, as data. The texts have places to fill: {table} and, as
// literals, {schema} and {name}; {columns} and {comments}; {dt} the partition column and {time} the
// table's time column; as literals {folder} of the table, {files} of its sealed days and {keys},
// how those of a day begin; {distribution} of Redshift; {file} and {export} for `adweave export`.
struct Dialect {
  std::string_view name;
  std::string_view scheme;  // that the lake's URI must have; empty: any
  char quote;               // around a column's name
  bool backslash;           // escapes in a literal; else quotes are doubled
  Types types;
  std::string_view column;   // {column} {type} {null} {comment}
  std::string_view comment;  // a statement: {table} {column} {comment}
  std::string_view statements;
};

constexpr Types kHiveTypes = {"STRING", "STRING", "STRING",  "TIMESTAMP", "DECIMAL(18,9)",
                              "BIGINT", "DOUBLE", "BOOLEAN", "BINARY",    "DECIMAL(38,9)"};
// The metastore knows no digits of a timestamp: with how many it is read is a setting of Trino.
constexpr Types kTrinoTypes = {"VARCHAR", "VARCHAR", "VARCHAR", "TIMESTAMP(3)", "DECIMAL(18,9)",
                               "BIGINT",  "DOUBLE",  "BOOLEAN", "VARBINARY",    "DECIMAL(38,9)"};
constexpr Types kRedshiftTypes = {
    "VARCHAR(65535)", "VARCHAR(65535)",   "VARCHAR(65535)", "TIMESTAMP",        "DECIMAL(18,9)",
    "BIGINT",         "DOUBLE PRECISION", "BOOLEAN",        "VARBYTE(1048576)", "DECIMAL(38,9)"};
constexpr Types kPostgresTypes = {"TEXT",
                                  "TEXT",
                                  "TEXT",
                                  "TIMESTAMPTZ",
                                  "NUMERIC(18,9)",
                                  "BIGINT",
                                  "DOUBLE PRECISION",
                                  "BOOLEAN",
                                  "BYTEA",
                                  "NUMERIC(38,9)"};

constexpr std::string_view kCommentedColumn = "  {column} {type} COMMENT {comment}";
constexpr std::string_view kCheckedColumn = "  {column} {type}{null}";
constexpr std::string_view kCommentOn = "COMMENT ON COLUMN {table}.{column} IS {comment};\n";

constexpr Dialect kDialects[] = {
    {"hive", "", '`', true, kHiveTypes, kCommentedColumn, "",
     R"(CREATE EXTERNAL TABLE IF NOT EXISTS {table} (
{columns}
)
PARTITIONED BY ({dt} DATE)
STORED AS PARQUET
LOCATION {folder};
MSCK REPAIR TABLE {table} SYNC PARTITIONS;
)"},
    {"spark", "", '`', true, kHiveTypes, kCommentedColumn, "",
     R"(CREATE TABLE IF NOT EXISTS {table} (
{columns},
  {dt} DATE
)
USING PARQUET
PARTITIONED BY ({dt})
LOCATION {folder};
MSCK REPAIR TABLE {table} SYNC PARTITIONS;
)"},
    {"trino", "", '"', false, kTrinoTypes, kCommentedColumn, "",
     R"(CREATE TABLE IF NOT EXISTS {table} (
{columns},
  {dt} DATE
)
WITH (
  external_location = {folder},
  format = 'PARQUET',
  partitioned_by = ARRAY['dt']
);
CALL system.sync_partition_metadata(schema_name => {schema}, table_name => {name}, mode => 'FULL');
)"},
    // COPY takes every object whose key begins so: not the `_complete.json` beside the files.
    {"redshift", "s3://", '"', false, kRedshiftTypes, kCheckedColumn, kCommentOn,
     R"(CREATE TABLE IF NOT EXISTS {table} (
{columns}
)
{distribution}
SORTKEY ({time});
{comments}-- Loads a sealed day:
-- COPY {table} FROM {keys} IAM_ROLE DEFAULT FORMAT AS PARQUET;
)"},
    {"postgres", "", '"', false, kPostgresTypes, kCheckedColumn, kCommentOn,
     R"(CREATE TABLE IF NOT EXISTS {table} (
{columns}
);
{comments}-- Loads it:
-- adweave export --data DIR --to {file}.csv {export}
-- \copy {table} FROM '{file}.csv' WITH (FORMAT csv, HEADER)
)"},
    {"duckdb",
     "",
     '"',
     false,
     {},
     "",
     kCommentOn,
     R"(CREATE OR REPLACE VIEW {table} AS
SELECT * FROM read_parquet({files},
  hive_partitioning = true, hive_types = {{'dt': DATE}}, union_by_name = true);
{comments})"},
};

const Dialect* find_dialect(std::string_view name) {
  const auto* it = std::find_if(std::begin(kDialects), std::end(kDialects),
                                [&](const Dialect& dialect) { return dialect.name == name; });
  return it == std::end(kDialects) ? nullptr : it;
}

std::string literal(const Dialect& dialect, std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += dialect.backslash ? '\\' : '\'';
    if (c == '\\' && dialect.backslash) out += '\\';
    out += c;
  }
  return out += '\'';
}

std::string quoted(const Dialect& dialect, std::string_view name) {
  return fmt::format("{0}{1}{0}", dialect.quote, name);
}

// A line for each column, by a text of the dialect.
std::string lines(const Dialect& dialect, std::string_view text, const std::string& table,
                  std::span<const event::ColumnInfo> columns, std::string_view between) {
  std::string out;
  for (const event::ColumnInfo& column : columns) {
    if (!out.empty()) out += between;
    out += fmt::format(fmt::runtime(text), fmt::arg("table", table),
                       fmt::arg("column", quoted(dialect, column.name)),
                       fmt::arg("type", dialect.types[static_cast<size_t>(column.type)]),
                       fmt::arg("null", column.required ? " NOT NULL" : ""),
                       fmt::arg("comment", literal(dialect, column.description)));
  }
  return out;
}

// By the table's identity: an event, its facts and its credits are on the same node.
std::string distribution_of(const Dialect& dialect, const event::TableInfo& table) {
  const event::ColumnInfo& first = table.columns.front();
  if (first.type != event::Type::Id) return "DISTSTYLE EVEN";
  return "DISTKEY (" + quoted(dialect, first.name) + ")";
}

// What gives `adweave export` the table's rows; bytes as PostgreSQL reads them.
std::string export_words(const event::TableInfo& table) {
  for (const event::ColumnInfo& column : table.columns) {
    if (column.type != event::Type::Bytes) continue;
    return fmt::format(R"("SELECT * REPLACE ('\x' || hex({0}) AS {0}) FROM {1}")", column.name,
                       table.name);
  }
  return fmt::format("--table {}", table.name);
}

}  // namespace

std::vector<std::string> ddl_dialects() {
  std::vector<std::string> names;
  for (const Dialect& dialect : kDialects) names.emplace_back(dialect.name);
  return names;
}

Result<std::string> ddl(const event::TableInfo& table, const DdlOptions& options) {
  const Dialect* dialect = find_dialect(options.dialect);
  if (dialect == nullptr) {
    return Error{ErrorCode::usage, "there is no dialect '" + options.dialect + "'",
                 fmt::format("one of {}", fmt::join(ddl_dialects(), ", "))};
  }
  if (!options.lake.starts_with(dialect->scheme)) {
    return Error{ErrorCode::usage, fmt::format("{} cannot read '{}'", dialect->name, options.lake),
                 fmt::format("say where the lake is: --location {}BUCKET/lake", dialect->scheme)};
  }
  const std::string file = options.prefix + std::string(table.name);
  const std::string name = options.schema.empty() ? file : options.schema + "." + file;
  const std::string folder = fmt::format("{}/{}", options.lake, table.name);
  const auto text = [&](std::string_view value) { return literal(*dialect, value); };
  return fmt::format(
      fmt::runtime(dialect->statements), fmt::arg("table", name), fmt::arg("file", file),
      fmt::arg("columns", lines(*dialect, dialect->column, name, table.columns, ",\n")),
      fmt::arg("comments", lines(*dialect, dialect->comment, name, table.columns, "")),
      fmt::arg("dt", quoted(*dialect, "dt")), fmt::arg("time", quoted(*dialect, table.time_column)),
      fmt::arg("folder", text(folder)), fmt::arg("keys", text(folder + "/dt=2023-11-01/part-")),
      fmt::arg("files", text(folder + "/dt=*/*.parquet")), fmt::arg("name", text(file)),
      fmt::arg("schema", text(options.schema.empty() ? "default" : options.schema)),
      fmt::arg("distribution", distribution_of(*dialect, table)),
      fmt::arg("export", export_words(table)));
}

}  // namespace adweave::query
