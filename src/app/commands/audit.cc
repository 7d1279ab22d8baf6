// SPDX-License-Identifier: Apache-2.0
// audit, verify: every record accounted for.
#include <atomic>
#include <iostream>
#include <limits>

#include <fmt/format.h>

#include "app/command.h"
#include "app/control/reconcile.h"
#include "app/terminal/terminal.h"
#include "engine/verify.h"
#include "event/schema.h"
#include "query/reconcile.h"
#include "query/warehouse.h"

namespace adweave::app {

namespace {

using ByCountedSource = std::map<std::string, int64_t>;

// The source's counts, and how far its rows in the lake are from what was accepted: 0 unless
// something is lost.
std::vector<JsonValue> audit_row(const ledger::Counts& counts, int64_t open, int64_t rows) {
  return {counts.source,         counts.records_read, counts.received(), counts.accepted,
          counts.duplicate,      counts.conflict,     counts.rejected,   open,
          rows - counts.accepted};
}

// Rejects of each source that are still open; a replay has none of its own.
Result<ByCountedSource> open_rejects(const query::SqlEngine& sql) {
  ADWEAVE_ASSIGN(const query::QueryResult result,
                 sql.query("SELECT source, count(*) FROM current_rejects WHERE state = 'open' AND "
                           "outcome = 'rejected' GROUP BY source"));
  ByCountedSource open;
  for (const auto& row : result.rows) open[*row[0].as_string()] = *row[1].as_int();
  return open;
}

// Rows of the event tables by the source that counted them; those of days that are gone as the
// ledger's records tell.
Result<ByCountedSource> rows_by_source(const query::SqlEngine& sql, const ledger::Ledger& ledger,
                                       const ByCountedSource& gone) {
  std::string statement;
  for (const event::Kind kind : event::kAllKinds) {
    statement += statement.empty() ? "" : " UNION ALL ";
    statement += "SELECT source, commit FROM " + std::string(event::table_name(kind));
  }
  ADWEAVE_ASSIGN(
      const query::QueryResult result,
      sql.query("SELECT source, commit, count(*) FROM (" + statement + ") GROUP BY ALL"));
  ByCountedSource rows = gone;
  for (const auto& row : result.rows) {
    const bool replayed = ledger.summary().is_replay(*row[1].as_int());
    rows[ledger::counted_source(replayed, *row[0].as_string())] += *row[2].as_int();
  }
  return rows;
}

void note_gone_events(const ledger::Ledger& ledger, const ByCountedSource& gone) {
  note_gone_days(ledger);
  int64_t events = 0;
  for (const auto& [source, rows] : gone) events += rows;
  if (events > 0) std::cerr << "note: " << events << " accepted events are gone with them\n";
}

Result<query::QueryResult> audit(const FileSystem& fs, const ReadOptions& options) {
  ADWEAVE_ASSIGN(const ledger::Ledger ledger, ledger::Ledger::open(fs, options.data));
  ADWEAVE_ASSIGN(const int64_t as_of, commit_of(ledger, options));
  ADWEAVE_ASSIGN(const query::SqlEngine sql, query::SqlEngine::open(options.data, ledger, as_of));
  ADWEAVE_ASSIGN(const ByCountedSource gone, ledger.gone_rows(as_of));
  ADWEAVE_ASSIGN(auto rows, rows_by_source(sql, ledger, gone));
  note_gone_events(ledger, gone);
  query::QueryResult result;
  result.columns = {"source",   "records_read", "received", "accepted",  "duplicate",
                    "conflict", "rejected",     "open",     "difference"};
  ledger::Counts total;
  total.source = "total";
  ADWEAVE_ASSIGN(auto open, open_rejects(sql));
  int64_t total_open = 0;
  int64_t total_rows = 0;
  ADWEAVE_ASSIGN(const std::vector<ledger::Counts> all_counts, ledger.counts(as_of));
  for (const ledger::Counts& counts : all_counts) {
    result.rows.push_back(audit_row(counts, open[counts.source], rows[counts.source]));
    total.add(counts);
    total_open += open[counts.source];
    total_rows += rows[counts.source];
  }
  result.rows.push_back(audit_row(total, total_open, total_rows));
  return result;
}

int audit_command(FileSystem& fs, const ReadOptions& options) {
  const Result<query::QueryResult> result = audit(fs, options);
  if (!result) return fail(result.error());
  print_rows(*result, options);
  const bool balanced = *result->rows.back().back().as_int() == 0;
  if (!balanced)
    std::cerr << "adweave: the lake does not hold what was accepted; run adweave verify\n";
  return balanced ? kOk : kFailed;
}

// The same, but counted again from the files alone, with all that can be compared.
Result<query::Reconciliation> recount(FileSystem& fs, const std::string& data) {
  ADWEAVE_ASSIGN(query::Reconciler reconciler, query::Reconciler::open(fs, data));
  const std::atomic<bool> stop = false;
  return reconciler.reconcile(std::numeric_limits<int64_t>::max(), stop);
}

int recount_command(FileSystem& fs, const ReadOptions& options) {
  const Result<query::Reconciliation> result = recount(fs, options.data);
  if (!result) return fail(result.error());
  query::QueryResult rows;
  rows.columns = {"what", "table", "day", "source", "expected", "found", "difference", "file"};
  for (const query::Difference& each : result->differences) {
    rows.rows.push_back({each.what, each.table, each.day, each.source, each.expected, each.found,
                         each.size, each.file});
  }
  print_rows(rows, options);
  if (result->differences.empty()) {
    std::cerr << fmt::format(
        "commit {}: {} files and {} days of KPI cells are what the commits claim\n", result->commit,
        result->files, result->cell_days);
    return kOk;
  }
  std::cerr << "adweave: the lake is not what the commits claim\n  fix: "
            << fix_of(result->differences.front(), options.data) << '\n';
  return kFailed;
}

int verify_command(FileSystem& fs, const std::string& data) {
  const Result<ledger::Ledger> ledger = ledger::Ledger::open(fs, data);
  if (!ledger) return fail(ledger.error());
  ledger::Verification result = [&] {
    ProgressBar progress("verify");
    return engine::verify(fs, data, *ledger,
                          [&](int64_t done, int64_t total) { progress.show(done, total); });
  }();
  if (const Status warehouse = query::verify_warehouse(fs, data); !warehouse) {
    result.problems.push_back(warehouse.error().message + "; adweave rebuild warehouse --data " +
                              data + " makes it anew");
  }
  for (const std::string& problem : result.problems) std::cerr << "adweave: " << problem << '\n';
  fmt::print(
      "{} commits, {} files, {:.1f} MB: {}\n", result.commits, result.files,
      static_cast<double>(result.bytes) / 1e6,
      result.problems.empty() ? "all sound" : fmt::format("{} problem(s)", result.problems.size()));
  return result.problems.empty() ? kOk : kFailed;
}

}  // namespace

void add_audit_command(Program& program) {
  auto options = std::make_shared<ReadOptions>();
  CLI::App* command = add_command(
      program, "audit",
      "Shows what became of every record: received = accepted + duplicate + conflict + rejected.",
      {"adweave audit --data DIR", "adweave audit --data DIR --output json",
       "adweave audit --data DIR --recount     # every file, sum and KPI cell, from the files"});
  auto recounts = std::make_shared<bool>(false);
  options->add_to(*command);
  command
      ->add_flag("--recount", *recounts,
                 "Count every file again and show what is not as the commits claim")
      ->excludes("--as-of");
  command->callback([&program, options, recounts] {
    program.action = [&program, options, recounts] {
      return *recounts ? recount_command(program.fs, *options)
                       : audit_command(program.fs, *options);
    };
  });
}

void add_verify_command(Program& program) {
  auto data = std::make_shared<std::string>();
  CLI::App* command =
      add_command(program, "verify",
                  "Checks the chain of commits, every file and all that is derived from them.",
                  {"adweave verify --data DIR"});
  command->add_option("--data", *data, "The data folder")->required()->type_name("DIR");
  command->callback([&program, data] {
    program.action = [&program, data] { return verify_command(program.fs, *data); };
  });
}

}  // namespace adweave::app
