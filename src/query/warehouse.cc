// SPDX-License-Identifier: Apache-2.0
#include "query/warehouse.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/hash.h"
#include "event/schema.h"
#include "query/cells.h"
#include "query/table_views.h"

namespace adweave::query {

namespace {

// What cells mean: of a file with another hash they may mean something else.
std::string definition() {
  return to_hex(
      hash128(event::schema_hash() + cell_columns() + all_cells_select("") + derived_view_texts()));
}

Result<std::string> checksum_of(const ledger::Ledger& ledger, int64_t commit) {
  return commit == 0 ? std::string() : ledger.checksum_of(commit);
}

// SELECT of the cells that rows after `commit` change: their own, those of the conversions that
// they credit or adjust, those of the impressions that they engage with.
std::string touched_cells(int64_t commit) {
  const std::string newer = " > " + std::to_string(commit);
  std::string times;
  for (const event::Kind kind : event::kAllKinds) {
    times += "SELECT event_time AS t FROM " + std::string(event::table_name(kind)) +
             " WHERE commit" + newer + " UNION ALL ";
  }
  times += "SELECT conversion_time FROM credits_log WHERE commit" + newer;
  times += " UNION ALL SELECT event_time FROM facts WHERE commit" + newer;
  times +=
      " UNION ALL SELECT c.event_time FROM conversions c JOIN conversions a ON a.adjusts = "
      "c.event_id AND a.advertiser_id = c.advertiser_id WHERE a.commit" +
      newer;
  times +=
      " UNION ALL SELECT i.event_time FROM impressions i JOIN engagements e ON e.impression_id = "
      "i.event_id AND e.advertiser_id = i.advertiser_id WHERE e.commit" +
      newer;
  return "SELECT DISTINCT " + cell_of("t") + " FROM (" + times + ")";
}

int64_t number(const QueryResult& result) {
  return result.rows.empty() || result.rows[0][0].as_int() == nullptr ? 0
                                                                      : *result.rows[0][0].as_int();
}

// The cursor of the attached file; an error when its cells cannot be used with this ledger.
Result<int64_t> cursor_of(const SqlEngine& sql, const ledger::Ledger& ledger) {
  ADWEAVE_ASSIGN(const QueryResult meta,
                 sql.query("SELECT commit, definition, checksum FROM warehouse.meta"));
  const Error other{ErrorCode::query, "the warehouse is of another ledger or definition",
                    "adweave rebuild warehouse"};
  if (meta.rows.size() != 1) return other;
  const int64_t commit = *meta.rows[0][0].as_int();
  if (commit > ledger.head() || *meta.rows[0][1].as_string() != definition()) return other;
  ADWEAVE_ASSIGN(const std::string checksum, checksum_of(ledger, commit));
  if (*meta.rows[0][2].as_string() != checksum) return other;
  return commit;
}

void remove_if_there(FileSystem& fs, const std::string& path) {
  if (fs.exists(path)) (void)fs.unlink(path);
}

}  // namespace

// Writes the new file beside the old one.
class WarehouseBuilder {
 public:
  WarehouseBuilder(FileSystem& fs, const std::string& dir, const ledger::Ledger& ledger)
      : fs_(fs), dir_(dir), ledger_(ledger), path_(warehouse_path(dir)), fresh_(path_ + ".new") {}

  // From nothing, or, with a cursor, from the file in place.
  Result<WarehouseBuild> build(std::optional<int64_t> cursor) {
    remove_if_there(fs_, fresh_);
    remove_if_there(fs_, fresh_ + ".wal");
    SqlOptions options;
    options.files.push_back({fresh_, "fresh", true});
    if (cursor) options.files.push_back({path_, "warehouse", false});
    WarehouseBuild build;
    {
      ADWEAVE_ASSIGN(const SqlEngine sql, SqlEngine::open(dir_, ledger_, ledger_.head(), options));
      ADWEAVE_TRY(write(sql, cursor, build));
    }
    ADWEAVE_ASSIGN(const std::unique_ptr<File> file, fs_.open(fresh_));
    ADWEAVE_TRY(file->sync());
    remove_if_there(fs_, path_ + ".wal");
    ADWEAVE_TRY(fs_.rename(fresh_, path_));
    ADWEAVE_TRY(fs_.sync_dir(dir_));
    return build;
  }

 private:
  Status write(const SqlEngine& sql, std::optional<int64_t> cursor, WarehouseBuild& build) {
    build.commit = ledger_.head();
    build.afresh = !cursor.has_value();
    ADWEAVE_TRY(sql.execute("CREATE TABLE fresh.cells (" + cell_columns() + ")"));
    std::string where;
    if (cursor) {
      ADWEAVE_TRY(sql.execute("CREATE TEMP TABLE touched AS SELECT * FROM (" +
                              touched_cells(*cursor) + ") touched(cell)"));
      ADWEAVE_TRY(
          sql.execute("INSERT INTO fresh.cells SELECT * FROM warehouse.cells WHERE cell NOT IN "
                      "(SELECT cell FROM "
                      "touched)"));
      where = "SELECT cell FROM touched";
    }
    ADWEAVE_ASSIGN(const QueryResult kept, sql.query("SELECT count(*) FROM fresh.cells"));
    for (const std::string_view table : cell_tables())
      ADWEAVE_TRY(sql.execute("INSERT INTO fresh.cells BY NAME " + cells_select(table, where)));
    ADWEAVE_ASSIGN(const QueryResult all, sql.query("SELECT count(*) FROM fresh.cells"));
    build.cells = number(all);
    build.recomputed = build.cells - number(kept);
    ADWEAVE_ASSIGN(const std::string checksum, checksum_of(ledger_, build.commit));
    ADWEAVE_TRY(sql.execute("CREATE TABLE fresh.meta AS SELECT " + std::to_string(build.commit) +
                            "::BIGINT AS commit, " + sql_text(definition()) + " AS definition, " +
                            sql_text(checksum) + " AS checksum"));
    ADWEAVE_TRY(sql.execute("CHECKPOINT fresh"));
    return sql.execute("DETACH fresh");
  }

  FileSystem& fs_;
  const std::string& dir_;
  const ledger::Ledger& ledger_;
  std::string path_;
  std::string fresh_;
};

std::string warehouse_path(const std::string& dir) {
  return join_path(dir, "warehouse.duckdb");
}

Result<int64_t> warehouse_commit(const std::string& dir, const ledger::Ledger& ledger) {
  ADWEAVE_ASSIGN(const SqlEngine sql,
                 SqlEngine::open_files({{warehouse_path(dir), "warehouse", false}}));
  return cursor_of(sql, ledger);
}

Result<WarehouseBuild> build_warehouse(FileSystem& fs, const std::string& dir,
                                       const ledger::Ledger& ledger, bool afresh) {
  ADWEAVE_ASSIGN(
      const std::unique_ptr<Lock> lock,
      fs.lock(join_path(dir, "warehouse.lock"), "another process builds the warehouse", false));
  WarehouseBuilder builder(fs, dir, ledger);
  if (!afresh && fs.exists(warehouse_path(dir))) {
    const Result<int64_t> cursor = warehouse_commit(dir, ledger);
    // Every other commit only adds rows, or changes none.
    const bool rows_gone = ledger.retention() && cursor && ledger.retention()->commit > *cursor;
    if (cursor && !rows_gone) {
      const Result<WarehouseBuild> build = builder.build(*cursor);
      if (build) return *build;
    }
  }
  return builder.build(std::nullopt);
}

Status verify_warehouse(const FileSystem& fs, const std::string& dir) {
  const std::string path = warehouse_path(dir);
  if (!fs.exists(path)) return {};
  const Result<SqlEngine> sql = SqlEngine::open_files({{path, "warehouse", false}});
  if (!sql) return Error(sql.error()).within(path);
  for (const char* table : {"cells", "meta"}) {
    const auto read =
        sql->query(std::string("SELECT bit_xor(hash(t)) FROM warehouse.") + table + " t");
    if (!read) return Error(read.error()).within(path);
  }
  return {};
}

Result<SqlEngine> open_with_warehouse(FileSystem& fs, const std::string& dir,
                                      const ledger::Ledger& ledger, int64_t as_of, bool kpi) {
  const std::string path = warehouse_path(dir);
  SqlOptions options;
  options.kpi = kpi;
  const bool usable = as_of == ledger.head() && fs.exists(path);
  for (int attempt = 0; usable && attempt < 2; ++attempt) {
    options.files = {{path, "warehouse", false}};
    {
      Result<SqlEngine> sql = SqlEngine::open(dir, ledger, as_of, options);
      const Result<int64_t> cursor = sql ? cursor_of(*sql, ledger) : sql.error();
      if (cursor && *cursor == ledger.head()) return sql;
    }
    options.files.clear();
    if (!build_warehouse(fs, dir, ledger, false)) break;
  }
  return SqlEngine::open(dir, ledger, as_of, options);
}

}  // namespace adweave::query
