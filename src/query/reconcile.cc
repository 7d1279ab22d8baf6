// SPDX-License-Identifier: Apache-2.0
#include "query/reconcile.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/limits.h"
#include "event/schema.h"
#include "query/cells.h"
#include "query/warehouse.h"

namespace adweave::query {

namespace {

using event::DataFile;
using CountsBySource = std::map<std::string, ledger::Counts>;

constexpr int64_t kForgottenMax =
    10'000;                // files; deleted rows take room until a table is made anew
constexpr int kTries = 5;  // files may be merged and removed while they are counted

bool has_column(const event::TableInfo& table, std::string_view name) {
  return std::any_of(table.columns.begin(), table.columns.end(),
                     [&](const event::ColumnInfo& column) { return column.name == name; });
}

std::string sum_of(const event::TableInfo& table, std::string_view column) {
  return has_column(table, column) ? fmt::format("sum({})", column) : "NULL";
}

// What rows of a table are told apart by, beside their source: events by currency, rejects by how
// they ended.
std::string key_of(const event::TableInfo& table) {
  if (table.name == "rejects") return "CASE WHEN sign > 0 THEN outcome ELSE 'taken back' END";
  if (has_column(table, "currency")) return "coalesce(currency, '')";
  return "''";
}

int64_t int_at(const std::vector<JsonValue>& row, size_t column) {
  const int64_t* value = row[column].as_int();
  return value == nullptr ? 0 : *value;
}

std::string text_at(const std::vector<JsonValue>& row, size_t column) {
  const std::string* value = row[column].as_string();
  return value == nullptr ? std::string() : *value;
}

bool truth_at(const std::vector<JsonValue>& row, size_t column) {
  const bool* value = row[column].as_bool();
  return value != nullptr && *value;
}

// "" when it is not there.
std::string signature_of(const FileSystem& fs, const std::string& path) {
  const Result<FileInfo> info = fs.info(path);
  return info ? fmt::format("{} {} {}", info->size, info->changed_us, info->number) : "";
}

void compare(const ledger::Counts& claimed, const char* what, int64_t expected, int64_t found,
             Reconciliation& result) {
  if (expected == found) return;
  result.differences.push_back({what, "", "", claimed.source, "", std::to_string(expected),
                                std::to_string(found), std::abs(expected - found)});
}

Error given_up() {
  return {ErrorCode::io, "the lake was not counted to its end"};
}

// Neighbours that one statement counts.
std::vector<std::vector<const DataFile*>> batches_of(const std::vector<const DataFile*>& files) {
  std::vector<std::vector<const DataFile*>> batches;
  int64_t bytes = 0;
  for (const DataFile* file : files) {
    bytes += file->bytes;
    const bool fits = !batches.empty() && bytes <= limits::kMergedBytesMax &&
                      batches.back().size() < limits::kReconcileFilesAtOnce;
    if (!fits) {
      batches.emplace_back();
      bytes = file->bytes;
    }
    batches.back().push_back(file);
  }
  return batches;
}

// Files of the folder `dir`, as a list in SQL.
std::string sql_paths(const std::string& dir, const std::vector<std::string>& paths) {
  std::string list;
  for (const std::string& path : paths)
    list += (list.empty() ? "" : ", ") + sql_text(join_path(dir, path));
  return list;
}

std::vector<std::string> paths_of(const std::vector<const DataFile*>& files) {
  std::vector<std::string> paths;
  for (const DataFile* file : files) paths.push_back(file->path);
  return paths;
}

// The cells that begin on a day.
std::string cells_of(const std::string& day) {
  return fmt::format(
      "SELECT unnest(generate_series(TIMESTAMPTZ '{0} 00:00:00Z', TIMESTAMPTZ '{0} 23:45:00Z', "
      "INTERVAL 15 MINUTE))",
      day);
}

}  // namespace

std::string Difference::text() const {
  std::string of = source.empty() ? table : source;
  if (!day.empty()) of += " of " + day;
  const std::string where = file.empty() ? "" : " in " + file;
  return fmt::format("{}: {}: {} expected, {} found{}", of, what, expected, found, where);
}

int64_t Reconciliation::difference() const {
  int64_t sum = 0;
  for (const Difference& each : differences) sum += each.size;
  return sum;
}

Result<Reconciler> Reconciler::open(FileSystem& fs, const std::string& dir) {
  ADWEAVE_ASSIGN(ledger::Ledger ledger, ledger::Ledger::open(fs, dir));
  ADWEAVE_ASSIGN(SqlEngine sql, SqlEngine::open_lake(dir));
  ADWEAVE_TRY(
      sql.execute("CREATE TABLE counted (path VARCHAR, of_table VARCHAR, is_event BOOLEAN, "
                  "source VARCHAR, replayed BOOLEAN, newer BOOLEAN, key VARCHAR, "
                  "count BIGINT, cost DECIMAL(38,9), value DECIMAL(38,9))"));
  ADWEAVE_TRY(sql.execute(
      "CREATE TABLE audited (path VARCHAR, newer BOOLEAN, source VARCHAR, currency VARCHAR, "
      "records_read BIGINT, received BIGINT, accepted BIGINT, duplicate BIGINT, conflict BIGINT, "
      "rejected BIGINT, cost DECIMAL(38,9), value DECIMAL(38,9))"));
  return Reconciler(fs, dir, std::move(ledger), std::move(sql));
}

Result<Reconciliation> Reconciler::reconcile(int64_t cells_us, const std::atomic<bool>& stop) {
  for (int attempt = 1;; ++attempt) {
    ADWEAVE_TRY(ledger_.reload());
    ADWEAVE_TRY(begin_afresh_after_retention());
    const std::vector<DataFile> live = ledger_.live_files("", ledger_.head());
    Reconciliation result;
    result.commit = ledger_.head();
    result.files = static_cast<int64_t>(live.size());
    ADWEAVE_ASSIGN(result.counted, count_files(live, stop));
    ADWEAVE_TRY(compare_files(live, result));
    if (result.differences.empty()) ADWEAVE_TRY(compare_sources(result));
    if (result.differences.empty()) ADWEAVE_TRY(compare_audit(result));
    if (result.differences.empty()) ADWEAVE_TRY(compare_money(result));
    if (result.differences.empty()) ADWEAVE_TRY(compare_cells(cells_us, stop, result));
    if (result.differences.empty() || attempt == kTries) return result;
    // A file that is there no more may just have been replaced.
    const int64_t then = ledger_.head();
    ADWEAVE_TRY(ledger_.reload());
    if (ledger_.head() == then) return result;
  }
}

// Then other commits are the later ones.
Status Reconciler::begin_afresh_after_retention() {
  const int64_t commit = ledger_.retention() ? ledger_.retention()->commit : 0;
  if (commit == retention_) return {};
  ADWEAVE_TRY(sql_.execute("DELETE FROM counted"));
  ADWEAVE_TRY(sql_.execute("DELETE FROM audited"));
  signatures_.clear();
  unreadable_.clear();
  ADWEAVE_ASSIGN(gone_, ledger_.gone_rows(ledger_.head()));
  earlier_.clear();
  if (commit > 0) {
    ADWEAVE_ASSIGN(const std::vector<ledger::Counts> earlier, ledger_.counts(commit));
    for (const ledger::Counts& counts : earlier) earlier_[counts.source] = counts;
  }
  retention_ = commit;
  return {};
}

// Counts files that are new or have changed, and forgets those that are live no more.
Result<int64_t> Reconciler::count_files(const std::vector<DataFile>& live,
                                        const std::atomic<bool>& stop) {
  std::map<std::string, std::string> signatures;
  std::map<std::string, std::vector<const DataFile*>> due;  // by table
  for (const DataFile& file : live) {
    const std::string signature = signature_of(*fs_, join_path(dir_, file.path));
    const auto known = signatures_.find(file.path);
    if (known == signatures_.end() || known->second != signature || signature.empty())
      due[file.table].push_back(&file);
    signatures[file.path] = signature;
  }
  std::set<std::string> stale;
  for (const auto& [path, signature] : signatures_) {
    if (!signatures.contains(path)) stale.insert(path);
  }
  int64_t counted = 0;
  for (const auto& [table, files] : due) {
    for (const DataFile* file : files) {
      if (signatures_.contains(file->path)) stale.insert(file->path);
    }
    counted += static_cast<int64_t>(files.size());
  }
  ADWEAVE_TRY(forget(stale));
  for (const auto& [table, files] : due) {
    for (const std::vector<const DataFile*>& batch : batches_of(files)) {
      if (stop) return given_up();
      ADWEAVE_TRY(count_batch(batch));
      for (const DataFile* file : batch) signatures_[file->path] = signatures[file->path];
    }
  }
  return counted;
}

Status Reconciler::forget(const std::set<std::string>& paths) {
  if (paths.empty()) return {};
  for (const std::string& path : paths) {
    unreadable_.erase(path);
    signatures_.erase(path);
  }
  const std::string list = sql_paths(dir_, {paths.begin(), paths.end()});
  forgotten_ += static_cast<int64_t>(paths.size());
  const bool is_full = forgotten_ > kForgottenMax;
  if (is_full) forgotten_ = 0;
  for (const std::string table : {"counted", "audited"}) {
    ADWEAVE_TRY(sql_.execute("DELETE FROM " + table + " WHERE path IN (" + list + ")"));
    if (!is_full) continue;
    ADWEAVE_TRY(sql_.execute("CREATE TABLE kept AS FROM " + table));
    ADWEAVE_TRY(sql_.execute("DROP TABLE " + table));
    ADWEAVE_TRY(sql_.execute("ALTER TABLE kept RENAME TO " + table));
  }
  return {};
}

std::string Reconciler::count_statement(const std::vector<const DataFile*>& files) const {
  const event::TableInfo& table = *event::find_table(files.front()->table);
  const std::string list = sql_paths(dir_, paths_of(files));
  const std::string replays =
      ledger_.summary().replays.empty()
          ? "false"
          : fmt::format("commit IN ({})", fmt::join(ledger_.summary().replays, ", "));
  return fmt::format(
      "INSERT INTO counted SELECT filename, {}, {}, {}, {}, commit > {}, {}, count(*), {}, {} FROM "
      "read_parquet([{}], filename = true, hive_partitioning = false) GROUP BY ALL",
      sql_text(table.name), table.kind ? "true" : "false",
      has_column(table, "source") ? "source" : "''", replays, retention_, key_of(table),
      sum_of(table, "cost"), sum_of(table, "value"), list);
}

// When they cannot be counted together, each is by itself, to know which one cannot.
Status Reconciler::count_batch(const std::vector<const DataFile*>& files) {
  const Status counted = sql_.execute(count_statement(files));
  if (!counted && files.size() > 1) {
    for (const DataFile* file : files) ADWEAVE_TRY(count_batch({file}));
    return {};
  }
  if (!counted) {
    unreadable_[files.front()->path] = counted.error().message;
    return {};
  }
  if (files.front()->table != "audit") return {};
  const std::string list = sql_paths(dir_, paths_of(files));
  return sql_.execute(fmt::format(
      "INSERT INTO audited SELECT filename, commit > {}, source, currency, sum(records_read), "
      "sum(received), sum(accepted), sum(duplicate), sum(conflict), sum(rejected), sum(cost), "
      "sum(conversion_value) FROM read_parquet([{}], filename = true, hive_partitioning = false) "
      "GROUP BY ALL",
      retention_, list));
}

Status Reconciler::compare_files(const std::vector<DataFile>& live, Reconciliation& result) const {
  ADWEAVE_ASSIGN(const QueryResult rows,
                 sql_.query("SELECT path, CAST(sum(count) AS BIGINT) FROM counted GROUP BY path"));
  std::map<std::string, int64_t> found;
  for (const auto& row : rows.rows) found[text_at(row, 0)] = int_at(row, 1);
  for (const DataFile& file : live) {
    const auto problem = unreadable_.find(file.path);
    const int64_t count = found[join_path(dir_, file.path)];
    if (problem == unreadable_.end() && count == file.rows) continue;
    result.differences.push_back(
        {"rows", file.table, file.date, "", file.path, std::to_string(file.rows),
         problem == unreadable_.end() ? std::to_string(count)
                                      : "unreadable (" + problem->second + ")",
         std::abs(file.rows - (problem == unreadable_.end() ? count : 0))});
  }
  return {};
}

// What the rows amount to, of commits after the newest retention, but for accepted events, which
// are all that there are.
Result<CountsBySource> Reconciler::counted_rows() const {
  ADWEAVE_ASSIGN(
      const QueryResult rows,
      sql_.query("SELECT source, replayed, of_table, is_event, newer, key, "
                 "CAST(sum(count) AS BIGINT) FROM counted WHERE source <> '' AND of_table <> "
                 "'audit' GROUP BY ALL"));
  CountsBySource found;
  for (const auto& row : rows.rows) {
    const std::string source = ledger::counted_source(truth_at(row, 1), text_at(row, 0));
    ledger::Counts& counts = found[source];
    const int64_t count = int_at(row, 6);
    if (truth_at(row, 3)) counts.accepted += count;
    if (!truth_at(row, 4)) continue;
    if (text_at(row, 2) == "duplicates") counts.duplicate += count;
    if (text_at(row, 5) == "rejected") counts.rejected += count;
    if (text_at(row, 5) == "conflict") counts.conflict += count;
  }
  return found;
}

// What the commits count; with `newer` those after the newest retention.
Result<CountsBySource> Reconciler::claimed(bool newer) const {
  ADWEAVE_ASSIGN(const std::vector<ledger::Counts> all, ledger_.counts(ledger_.head()));
  CountsBySource claimed;
  for (ledger::Counts counts : all) {
    const auto earlier = earlier_.find(counts.source);
    if (newer && earlier != earlier_.end()) {
      counts.records_read -= earlier->second.records_read;
      counts.accepted -= earlier->second.accepted;
      counts.duplicate -= earlier->second.duplicate;
      counts.conflict -= earlier->second.conflict;
      counts.rejected -= earlier->second.rejected;
    }
    claimed[counts.source] = counts;
  }
  return claimed;
}

Status Reconciler::compare_sources(Reconciliation& result) const {
  ADWEAVE_ASSIGN(CountsBySource found, counted_rows());
  ADWEAVE_ASSIGN(CountsBySource all, claimed(false));
  ADWEAVE_ASSIGN(CountsBySource newer, claimed(true));
  for (const auto& [source, counts] : found) {
    all[source].source = source;  // one that no commit counts
    newer[source].source = source;
  }
  for (const auto& [source, counts] : all) {
    const auto gone = gone_.find(source);
    const int64_t rows = found[source].accepted + (gone == gone_.end() ? 0 : gone->second);
    compare(counts, "accepted", counts.accepted, rows, result);
    // A replay states rejects anew that it does not count.
    if (source.starts_with(ledger::kReplayPrefix)) continue;
    const ledger::Counts& later = newer[source];
    compare(later, "duplicates", later.duplicate, found[source].duplicate, result);
    compare(later, "conflicts", later.conflict, found[source].conflict, result);
    compare(later, "rejects", later.rejected, found[source].rejected, result);
  }
  return {};
}

Status Reconciler::compare_audit(Reconciliation& result) const {
  ADWEAVE_ASSIGN(
      const QueryResult rows,
      sql_.query("SELECT source, CAST(sum(records_read) AS BIGINT), CAST(sum(received) AS BIGINT), "
                 "CAST(sum(accepted) AS BIGINT), CAST(sum(duplicate) AS BIGINT), "
                 "CAST(sum(conflict) AS BIGINT), CAST(sum(rejected) AS BIGINT) FROM audited WHERE "
                 "newer AND currency IS NULL GROUP BY source"));
  ADWEAVE_ASSIGN(CountsBySource left, claimed(true));
  const auto compare_row = [&](const ledger::Counts& counts, const std::vector<JsonValue>& row) {
    compare(counts, "records_read in audit", counts.records_read, int_at(row, 1), result);
    compare(counts, "received in audit", counts.received(), int_at(row, 2), result);
    compare(counts, "accepted in audit", counts.accepted, int_at(row, 3), result);
    compare(counts, "duplicate in audit", counts.duplicate, int_at(row, 4), result);
    compare(counts, "conflict in audit", counts.conflict, int_at(row, 5), result);
    compare(counts, "rejected in audit", counts.rejected, int_at(row, 6), result);
  };
  for (const auto& row : rows.rows) {
    ledger::Counts counts;
    counts.source = text_at(row, 0);
    if (const auto node = left.extract(counts.source)) counts = node.mapped();
    compare_row(counts, row);
  }
  const std::vector<JsonValue> none(rows.columns.size());
  for (const auto& [source, counts] : left) compare_row(counts, none);
  return {};
}

Status Reconciler::compare_money(Reconciliation& result) const {
  struct Sums {
    std::string cost = "0";
    std::string value = "0";
  };
  const auto read =
      [&](const std::string& select,
          bool rows_of_events) -> Result<std::map<std::pair<std::string, std::string>, Sums>> {
    ADWEAVE_ASSIGN(const QueryResult rows, sql_.query(select));
    std::map<std::pair<std::string, std::string>, Sums> sums;
    for (const auto& row : rows.rows) {
      const std::string source = rows_of_events
                                     ? ledger::counted_source(truth_at(row, 4), text_at(row, 0))
                                     : text_at(row, 0);
      sums[{source, text_at(row, 1)}] = {text_at(row, 2), text_at(row, 3)};
    }
    return sums;
  };
  const std::string sums =
      "coalesce(sum(cost), 0)::DECIMAL(38,9), coalesce(sum(value), 0)::DECIMAL(38,9)";
  const std::string some = " HAVING sum(cost) IS NOT NULL OR sum(value) IS NOT NULL";
  ADWEAVE_ASSIGN(auto found, read("SELECT source, key, " + sums +
                                      ", replayed FROM counted WHERE is_event AND newer GROUP BY "
                                      "source, key, replayed" +
                                      some,
                                  true));
  ADWEAVE_ASSIGN(auto claims,
                 read("SELECT source, currency, " + sums +
                          " FROM audited WHERE newer AND currency IS NOT NULL GROUP BY source, "
                          "currency" +
                          some,
                      false));
  for (const auto& [key, each] : found) claims.try_emplace(key);
  for (const auto& [key, claim] : claims) {
    const Sums& rows = found[key];
    const std::string currency = key.second.empty() ? "no currency" : key.second;
    if (claim.cost != rows.cost)
      result.differences.push_back(
          {"cost in " + currency, "", "", key.first, "", claim.cost, rows.cost, 1});
    if (claim.value != rows.value)
      result.differences.push_back(
          {"value in " + currency, "", "", key.first, "", claim.value, rows.value, 1});
  }
  return {};
}

// A warehouse that is not there or of no use says nothing that could be wrong: reports build it.
Status Reconciler::compare_cells(int64_t cells_us, const std::atomic<bool>& stop,
                                 Reconciliation& result) {
  const std::string path = warehouse_path(dir_);
  const std::string signature = signature_of(*fs_, path);
  if (signature.empty()) return {};
  if (signature == warehouse_ && cell_days_.empty()) return {};
  const Result<int64_t> cursor = warehouse_commit(dir_, ledger_);
  if (!cursor || *cursor < retention_) return {};
  SqlOptions options;
  options.files = {{path, "warehouse", false}};
  ADWEAVE_ASSIGN(const SqlEngine sql, SqlEngine::open(dir_, ledger_, *cursor, options));
  if (std::exchange(warehouse_, signature) != signature) {
    cell_days_.clear();
    for (const DataFile& file : ledger_.live_files("", *cursor)) cell_days_.insert(file.date);
    ADWEAVE_ASSIGN(const QueryResult days,
                   sql.query("SELECT DISTINCT strftime(cell, '%Y-%m-%d') FROM warehouse.cells"));
    for (const auto& row : days.rows) cell_days_.insert(text_at(row, 0));
  }
  const auto begin = std::chrono::steady_clock::now();
  ADWEAVE_TRY(sql.execute("CREATE TEMP TABLE fresh (" + cell_columns() + ")"));
  while (!cell_days_.empty()) {
    if (stop) return given_up();
    const std::string day = *cell_days_.rbegin();
    ADWEAVE_TRY(sql.execute("DELETE FROM fresh"));
    for (const std::string_view table : cell_tables())
      ADWEAVE_TRY(sql.execute("INSERT INTO fresh BY NAME " + cells_select(table, cells_of(day))));
    const std::string stored =
        "SELECT * FROM warehouse.cells WHERE cell IN (" + cells_of(day) + ")";
    ADWEAVE_ASSIGN(
        const QueryResult rows,
        sql.query(
            "SELECT of_table, count(*) FILTER (is_fresh), count(*) FILTER (NOT is_fresh) FROM "
            "((SELECT of_table, true AS is_fresh FROM (FROM fresh EXCEPT ALL (" +
            stored + "))) UNION ALL (SELECT of_table, false FROM ((" + stored +
            ") EXCEPT ALL FROM fresh))) GROUP BY of_table"));
    for (const auto& row : rows.rows) {
      result.differences.push_back({"cells", text_at(row, 0), day, "", "warehouse.duckdb",
                                    std::to_string(int_at(row, 1)) + " others",
                                    std::to_string(int_at(row, 2)), 1});
    }
    if (!rows.rows.empty()) return {};  // compared again until it is right
    cell_days_.erase(day);
    ++result.cell_days;
    const auto passed = std::chrono::steady_clock::now() - begin;
    if (std::chrono::duration_cast<std::chrono::microseconds>(passed).count() > cells_us) return {};
  }
  return {};
}

}  // namespace adweave::query
