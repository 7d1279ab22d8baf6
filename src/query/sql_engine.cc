// SPDX-License-Identifier: Apache-2.0
#include "query/sql_engine.h"

#include <algorithm>
#include <utility>

#include <duckdb.h>

#include "base/file_system.h"
#include "query/cells.h"
#include "query/checked_files.h"
#include "query/duckdb_values.h"
#include "query/given_tables.h"
#include "query/table_views.h"

namespace adweave::query {

namespace {

Error query_error(const char* message, std::string fix = "") {
  return {ErrorCode::query, message == nullptr ? "the SQL engine failed" : message, std::move(fix)};
}

class OwnedResult {
 public:
  ~OwnedResult() { duckdb_destroy_result(&result_); }
  duckdb_result* get() { return &result_; }

 private:
  duckdb_result result_{};
};

class OwnedStatements {
 public:
  ~OwnedStatements() { duckdb_destroy_extracted(&statements_); }
  duckdb_extracted_statements* get() { return &statements_; }

 private:
  duckdb_extracted_statements statements_ = nullptr;
};

class OwnedPrepared {
 public:
  OwnedPrepared() = default;
  OwnedPrepared(OwnedPrepared&& other) noexcept
      : statement_(std::exchange(other.statement_, nullptr)) {}
  OwnedPrepared& operator=(OwnedPrepared&&) = delete;
  ~OwnedPrepared() { duckdb_destroy_prepare(&statement_); }
  duckdb_prepared_statement* get() { return &statement_; }

 private:
  duckdb_prepared_statement statement_ = nullptr;
};

bool reads_only(duckdb_statement_type type) {
  return type == DUCKDB_STATEMENT_TYPE_SELECT || type == DUCKDB_STATEMENT_TYPE_EXPLAIN;
}

Result<QueryResult> read_result(duckdb_result* result) {
  QueryResult out;
  const idx_t columns = duckdb_column_count(result);
  std::vector<ColumnReader> readers;
  for (idx_t i = 0; i < columns; ++i) {
    out.columns.emplace_back(duckdb_column_name(result, i));
    readers.emplace_back(duckdb_column_logical_type(result, i));
  }
  while (duckdb_data_chunk chunk = duckdb_fetch_chunk(*result)) {
    const idx_t rows = duckdb_data_chunk_get_size(chunk);
    for (idx_t row = 0; row < rows; ++row) {
      std::vector<JsonValue>& values = out.rows.emplace_back();
      for (idx_t i = 0; i < columns; ++i) {
        values.push_back(readers[i].value(duckdb_data_chunk_get_vector(chunk, i), row));
      }
    }
    duckdb_destroy_data_chunk(&chunk);
  }
  return out;
}

}  // namespace

std::string with_words(std::string_view statement, const Words& words) {
  std::string out;
  while (!statement.empty()) {
    const auto word = std::find_if(words.begin(), words.end(), [&](const auto& candidate) {
      return statement.starts_with(candidate.first);
    });
    out += word == words.end() ? std::string(1, statement.front()) : word->second;
    statement.remove_prefix(word == words.end() ? 1 : word->first.size());
  }
  return out;
}

std::string sql_text(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
  return out += '\'';
}

std::string sql_name(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? "\"\"" : std::string(1, c);
  return out += '"';
}

struct SqlEngine::Database {
  duckdb_database database = nullptr;
  duckdb_connection connection = nullptr;
  bool has_warehouse = false;
  const GivenRows* given = nullptr;                        // null: rows are in files
  GivenValues values;                                      // of the query that runs
  std::map<std::string, OwnedPrepared, std::less<>> kept;  // statements over given rows
  std::string target;                                      // the one file that copy() may write
  std::map<std::string, std::string> damaged;              // files that must not be read, and why

  // A failure in the engine's words: corrupt when it is that of a damaged file.
  Error error(const char* message) const {
    Error error = query_error(message);
    for (const auto& [path, problem] : damaged) {
      if (error.message.find(problem) != std::string::npos) error.code = ErrorCode::corrupt;
    }
    return error;
  }

  // One statement that changes nothing.
  Result<OwnedPrepared> prepare(const std::string& sql) const {
    OwnedStatements statements;
    const idx_t count = duckdb_extract_statements(connection, sql.c_str(), statements.get());
    if (count == 0)
      return query_error(duckdb_extract_statements_error(*statements.get()), "check the SQL");
    if (count != 1) return query_error("more than one statement", "run them one at a time");
    OwnedPrepared prepared;
    if (duckdb_prepare_extracted_statement(connection, *statements.get(), 0, prepared.get()) !=
        DuckDBSuccess) {
      return error(duckdb_prepare_error(*prepared.get()));
    }
    if (!reads_only(duckdb_prepared_statement_type(*prepared.get()))) {
      return query_error("only SELECT is allowed: the ledger changes by commits alone",
                         "use adweave run to add data");
    }
    return prepared;
  }

  Result<QueryResult> run(OwnedPrepared& prepared) const {
    OwnedResult result;
    if (duckdb_execute_prepared(*prepared.get(), result.get()) != DuckDBSuccess)
      return error(duckdb_result_error(result.get()));
    return read_result(result.get());
  }

  Result<QueryResult> query_given(const std::string& sql,
                                  std::span<const TextParameter> parameters) {
    for (const TextParameter& each : parameters) values[std::string(each.name)] = each.value;
    auto statement = kept.find(sql);
    if (statement == kept.end()) {
      Words calls;
      for (const TextParameter& each : parameters) {
        const std::string name(each.name);
        calls.emplace_back("$" + name, "given_value(" + sql_text(name) + ")");
      }
      ADWEAVE_ASSIGN(OwnedPrepared prepared, prepare(with_words(sql, calls)));
      statement = kept.emplace(sql, std::move(prepared)).first;
    }
    return run(statement->second);
  }

  ~Database() {
    kept.clear();
    duckdb_disconnect(&connection);
    duckdb_close(&database);
  }
};

SqlEngine::SqlEngine(std::unique_ptr<Database> database) : database_(std::move(database)) {}
SqlEngine::~SqlEngine() = default;
SqlEngine::SqlEngine(SqlEngine&&) noexcept = default;
SqlEngine& SqlEngine::operator=(SqlEngine&&) noexcept = default;

Result<SqlEngine> SqlEngine::open_database(const std::vector<std::string>& readable,
                                           const std::vector<AttachedFile>& files,
                                           const std::string& target) {
  auto database = std::make_unique<Database>();
  char* message = nullptr;
  if (duckdb_open_ext(nullptr, &database->database, nullptr, &message) != DuckDBSuccess) {
    const Error error = query_error(message);
    duckdb_free(message);
    return error;
  }
  if (duckdb_connect(database->database, &database->connection) != DuckDBSuccess)
    return query_error(nullptr);
  SqlEngine engine(std::move(database));
  ADWEAVE_TRY(engine.execute("SET autoinstall_known_extensions = false"));
  ADWEAVE_TRY(engine.execute("SET autoload_known_extensions = false"));
  ADWEAVE_TRY(engine.execute("SET TimeZone = 'UTC'"));
  for (const AttachedFile& file : files) {
    ADWEAVE_TRY(engine.execute("ATTACH " + sql_text(file.path) + " AS " + sql_name(file.name) +
                               (file.writable ? "" : " (READ_ONLY)")));
    engine.database_->has_warehouse = engine.database_->has_warehouse || file.name == "warehouse";
  }
  std::string folders;
  for (const std::string& folder : readable)
    folders.append(folders.empty() ? "" : ", ").append(sql_text(folder));
  ADWEAVE_TRY(engine.execute("SET allowed_directories = [" + folders + "]"));
  if (!target.empty())
    ADWEAVE_TRY(engine.execute("SET allowed_paths = [" + sql_text(target) + "]"));
  engine.database_->target = target;
  ADWEAVE_TRY(engine.execute("SET enable_external_access = false"));
  return engine;
}

Result<SqlEngine> SqlEngine::open(const std::string& dir, const ledger::Ledger& ledger,
                                  int64_t as_of, const SqlOptions& options) {
  std::vector<std::string> readable = {join_path(dir, "lake/")};
  if (!options.linked.empty()) readable.push_back(options.linked + "/");
  ADWEAVE_ASSIGN(SqlEngine engine, open_database(readable, options.files, options.target));
  const std::unique_ptr<FileSystem> fs = make_posix_file_system();
  const auto& damaged = engine.database_->damaged = damaged_files(*fs, dir, ledger, as_of);
  for (const std::string& statement : view_statements(dir, ledger, as_of, damaged, options.rows))
    ADWEAVE_TRY(engine.execute(statement));
  if (options.kpi) {
    ADWEAVE_TRY(engine.execute("CREATE VIEW kpi AS " +
                               kpi_select(engine.has_warehouse() ? "SELECT * FROM warehouse.cells"
                                                                 : all_cells_select(""))));
  }
  ADWEAVE_TRY(engine.execute("SET lock_configuration = true"));
  return engine;
}

Result<SqlEngine> SqlEngine::open_given(const GivenRows& rows, const RowKinds& kinds) {
  ADWEAVE_ASSIGN(SqlEngine engine, open_database({""}, {}, ""));
  engine.database_->given = &rows;
  ADWEAVE_TRY(engine.execute("SET threads = 1"));
  ADWEAVE_TRY(add_given_rows(engine.database_->connection, rows));
  ADWEAVE_TRY(add_given_values(engine.database_->connection, engine.database_->values));
  for (const std::string& statement : given_view_statements(kinds))
    ADWEAVE_TRY(engine.execute(statement));
  ADWEAVE_TRY(engine.execute("SET lock_configuration = true"));
  return engine;
}

Result<SqlEngine> SqlEngine::open_files(const std::vector<AttachedFile>& files) {
  ADWEAVE_ASSIGN(SqlEngine engine, open_database({""}, files, ""));
  ADWEAVE_TRY(engine.execute("SET lock_configuration = true"));
  return engine;
}

Result<SqlEngine> SqlEngine::open_lake(const std::string& dir) {
  ADWEAVE_ASSIGN(SqlEngine engine, open_database({join_path(dir, "lake/")}, {}, ""));
  ADWEAVE_TRY(engine.execute("SET threads = 1"));
  ADWEAVE_TRY(engine.execute("SET lock_configuration = true"));
  return engine;
}

bool SqlEngine::is_empty(std::string_view table) const {
  if (database_->given == nullptr) return false;
  const auto found = database_->given->find(table);
  return found == database_->given->end() || found->second.empty();
}

bool SqlEngine::has_warehouse() const {
  return database_->has_warehouse;
}

Status SqlEngine::execute(const std::string& sql) const {
  OwnedResult result;
  if (duckdb_query(database_->connection, sql.c_str(), result.get()) == DuckDBSuccess) return {};
  return query_error(duckdb_result_error(result.get()));
}

Result<QueryResult> SqlEngine::query(const std::string& sql,
                                     std::span<const TextParameter> parameters) const {
  if (database_->given != nullptr) return database_->query_given(sql, parameters);
  Words values;
  for (const TextParameter& each : parameters)
    values.emplace_back("$" + std::string(each.name), sql_text(each.value));
  ADWEAVE_ASSIGN(OwnedPrepared prepared, database_->prepare(with_words(sql, values)));
  return database_->run(prepared);
}

Result<int64_t> SqlEngine::copy(const std::string& select, const std::string& options) const {
  // First alone: what is wrong with it is then told in its own words.
  ADWEAVE_ASSIGN(OwnedPrepared prepared, database_->prepare(select));
  if (duckdb_prepared_statement_type(*prepared.get()) != DUCKDB_STATEMENT_TYPE_SELECT)
    return query_error("only the rows of a SELECT can be written to a file");
  const std::string statement = "COPY (FROM query(" + sql_text(select) + ")) TO " +
                                sql_text(database_->target) + " (" + options +
                                ", USE_TMP_FILE false)";
  OwnedResult result;
  if (duckdb_query(database_->connection, statement.c_str(), result.get()) != DuckDBSuccess)
    return database_->error(duckdb_result_error(result.get()));
  ADWEAVE_ASSIGN(const QueryResult rows, read_result(result.get()));
  return *rows.rows.at(0).at(0).as_int();
}

}  // namespace adweave::query
