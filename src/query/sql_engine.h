// SPDX-License-Identifier: Apache-2.0
// SQL over a data folder: an embedded, in-memory DuckDB with one view a table over the ledger's
// explicit list of live files (never a glob). Read-only: it can open nothing but the folder's lake,
// and runs one SELECT at a time.
//
//   ADWEAVE_ASSIGN(SqlEngine sql, SqlEngine::open("/data", ledger, ledger.head()));
//   ADWEAVE_ASSIGN(QueryResult result, sql.query("SELECT count(*) AS n FROM clicks"));
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "ledger/ledger.h"
#include "query/given_rows.h"

namespace adweave::query {

// Rows as they are shown: ids and text as strings, times RFC 3339 UTC, money as decimal strings,
// other numbers as numbers.
struct QueryResult {
  std::vector<std::string> columns;
  std::vector<std::vector<JsonValue>> rows;
};

// Some of the rows of a folder, for views that stand between two commits. A condition may read
// "<table> all", which has every row.
struct RowChoice {
  int64_t dimensions = 0;                                 // the commit of the dimension files
  std::map<std::string, std::string, std::less<>> where;  // table -> SQL condition
};

// A DuckDB file that stands beside the views as a schema of its own.
struct AttachedFile {
  std::string path;
  std::string name;
  bool writable = false;
};

struct SqlOptions {
  const RowChoice* rows = nullptr;
  std::vector<AttachedFile> files;
  bool kpi = false;    // the view `kpi`: from the file `warehouse` where it is attached
  std::string linked;  // a folder that links in the lake lead to, which may be read too
  std::string target;  // the one file that copy() may write; empty: none
};

// What stands for $name in a statement.
struct TextParameter {
  std::string_view name;
  std::string value;
};

class SqlEngine {
 public:
  // Views as of a commit: every table of the schema (empty ones too), and `credits`, the current
  // net credits.
  static Result<SqlEngine> open(const std::string& dir, const ledger::Ledger& ledger, int64_t as_of,
                                const SqlOptions& options = {});
  // The same views over rows that are given, without dimensions: each query reads what stands there
  // at that time, and a statement that was run before is not planned again. `rows` must outlive it,
  // and be of no other kinds.
  static Result<SqlEngine> open_given(const GivenRows& rows, const RowKinds& kinds);
  // The files alone, without views.
  static Result<SqlEngine> open_files(const std::vector<AttachedFile>& files);
  // The folder's lake without views, for statements that name its files; on one thread.
  static Result<SqlEngine> open_lake(const std::string& dir);
  ~SqlEngine();
  SqlEngine(SqlEngine&&) noexcept;
  SqlEngine& operator=(SqlEngine&&) noexcept;

  // Whether the file `warehouse` is attached: reports may be answered from its cells.
  bool has_warehouse() const;

  // Whether it is known that a table has no row, because its rows are given.
  bool is_empty(std::string_view table) const;

  // Fails with query, quoting the engine's words; with corrupt when it reads a damaged file.
  Result<QueryResult> query(const std::string& sql,
                            std::span<const TextParameter> parameters = {}) const;

  // Writes the rows of a SELECT to SqlOptions::target, as they come, and returns how many there
  // are. `options` are those of DuckDB's COPY: "FORMAT csv, HEADER". Fails as query() does.
  Result<int64_t> copy(const std::string& select, const std::string& options) const;

 private:
  friend class WarehouseBuilder;
  friend class Reconciler;
  struct Database;
  explicit SqlEngine(std::unique_ptr<Database> database);
  static Result<SqlEngine> open_database(const std::vector<std::string>& readable,
                                         const std::vector<AttachedFile>& files,
                                         const std::string& target);
  Status execute(const std::string& sql) const;

  std::unique_ptr<Database> database_;
};

// A statement with others in place of some words, wherever they stand: {"@table", "clicks"}.
using Words = std::vector<std::pair<std::string, std::string>>;
std::string with_words(std::string_view statement, const Words& words);

// `text` as an SQL string literal, and as a quoted identifier.
std::string sql_text(std::string_view text);
std::string sql_name(std::string_view name);

}  // namespace adweave::query
