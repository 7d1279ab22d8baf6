// SPDX-License-Identifier: Apache-2.0
// audit, rejects, verify: every record accounted for.
#include <iostream>

#include <fmt/format.h>

#include "app/command.h"
#include "app/terminal/terminal.h"
#include "event/schema.h"

namespace adweave::app {

namespace {

// The source's counts, and how far its rows in the lake are from what was accepted: 0 unless
// something is lost.
std::vector<JsonValue> audit_row(const ledger::Counts& counts, int64_t rows) {
  return {counts.source,    counts.records_read, counts.received(), counts.accepted,
          counts.duplicate, counts.conflict,     counts.rejected,   rows - counts.accepted};
}

// Rows of the event tables by source.
Result<std::map<std::string, int64_t>> rows_by_source(const query::SqlEngine& sql) {
  std::string statement;
  for (const event::Kind kind : event::kAllKinds) {
    statement += statement.empty() ? "" : " UNION ALL ";
    statement += "SELECT source FROM " + std::string(event::table_name(kind));
  }
  ADWEAVE_ASSIGN(const query::QueryResult result,
                 sql.query("SELECT source, count(*) FROM (" + statement + ") GROUP BY source"));
  std::map<std::string, int64_t> rows;
  for (const auto& row : result.rows) rows[*row[0].as_string()] = *row[1].as_int();
  return rows;
}

Result<query::QueryResult> audit(const FileSystem& fs, const ReadOptions& options) {
  ADWEAVE_ASSIGN(const ledger::Ledger ledger, ledger::Ledger::open(fs, options.data));
  ADWEAVE_ASSIGN(const int64_t as_of, commit_of(ledger, options));
  ADWEAVE_ASSIGN(const query::SqlEngine sql, query::SqlEngine::open(options.data, ledger, as_of));
  ADWEAVE_ASSIGN(auto rows, rows_by_source(sql));
  query::QueryResult result;
  result.columns = {"source",    "records_read", "received", "accepted",
                    "duplicate", "conflict",     "rejected", "difference"};
  ledger::Counts total;
  total.source = "total";
  int64_t total_rows = 0;
  for (const ledger::Counts& counts : ledger.counts(as_of)) {
    result.rows.push_back(audit_row(counts, rows[counts.source]));
    total.add(counts);
    total_rows += rows[counts.source];
  }
  result.rows.push_back(audit_row(total, total_rows));
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

struct RejectOptions {
  ReadOptions read;
  std::string reason;
  std::string source;
  std::string position;
  int64_t limit = 20;
};

int list_rejects(FileSystem& fs, const RejectOptions& options) {
  std::string statement =
      "SELECT source, source_position, outcome, reason, rule, message FROM rejects WHERE sign = 1";
  if (!options.reason.empty()) statement += " AND reason = " + query::sql_text(options.reason);
  if (!options.source.empty()) statement += " AND source = " + query::sql_text(options.source);
  // "file:offset#event", by number.
  statement +=
      " ORDER BY commit, source, regexp_extract(source_position, '(.*):', 1), "
      "regexp_extract(source_position, ':(\\d+)[^:]*$', 1)::BIGINT, length(source_position), "
      "source_position LIMIT " +
      std::to_string(options.limit);
  return print_query(fs, options.read, statement);
}

int show_reject(FileSystem& fs, const RejectOptions& options) {
  const Result<query::SqlEngine> sql = open_sql(fs, options.read);
  if (!sql) return fail(sql.error());
  const Result<query::QueryResult> result = sql->query(
      "SELECT source, source_position, outcome, reason, rule, message, kind, event_id, raw_length, "
      "raw_hash, "
      "first_seen, commit, raw FROM rejects WHERE source_position = " +
      query::sql_text(options.position));
  if (!result) return fail(result.error());
  if (result->rows.empty()) {
    return fail({ErrorCode::usage, "there is no reject at '" + options.position + "'",
                 "adweave rejects list shows the positions"});
  }
  if (options.read.format() != OutputFormat::table) {
    print_rows(*result, options.read);
    return kOk;
  }
  for (const auto& row : result->rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string* text = row[i].as_string();
      fmt::print("{:<16} {}\n", result->columns[i],
                 text != nullptr    ? *text
                 : row[i].is_null() ? ""
                                    : row[i].dump());
    }
  }
  return kOk;
}

int verify_command(FileSystem& fs, const std::string& data) {
  const Result<ledger::Ledger> ledger = ledger::Ledger::open(fs, data);
  if (!ledger) return fail(ledger.error());
  const ledger::Verification result = [&] {
    ProgressBar progress("verify");
    return ledger::verify_files(fs, data, *ledger,
                                [&](int64_t done, int64_t total) { progress.show(done, total); });
  }();
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
      {"adweave audit --data DIR", "adweave audit --data DIR --output json"});
  options->add_to(*command);
  command->callback([&program, options] {
    program.action = [&program, options] { return audit_command(program.fs, *options); };
  });
}

void add_rejects_command(Program& program) {
  auto options = std::make_shared<RejectOptions>();
  CLI::App* command = add_command(
      program, "rejects", "Shows records that were not taken, with reason and raw bytes.",
      {"adweave rejects list --data DIR", "adweave rejects list --data DIR --reason bad_time",
       "adweave rejects show --data DIR clicks.csv:1234"});
  command->require_subcommand(1);
  CLI::App* list = command->add_subcommand("list", "Lists rejects, oldest first.");
  options->read.add_to(*list);
  list->add_option("--reason", options->reason, "Only of this reason")->type_name("NAME");
  list->add_option("--source", options->source, "Only of this source")->type_name("NAME");
  list->add_option("--limit", options->limit, "At most so many")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  list->callback([&program, options] {
    program.action = [&program, options] { return list_rejects(program.fs, *options); };
  });
  CLI::App* show =
      command->add_subcommand("show", "Shows all that is known of one reject, with its raw bytes.");
  options->read.add_to(*show);
  show->add_option("position", options->position, "Its source_position")
      ->required()
      ->type_name("POSITION");
  show->callback([&program, options] {
    program.action = [&program, options] { return show_reject(program.fs, *options); };
  });
}

void add_verify_command(Program& program) {
  auto data = std::make_shared<std::string>();
  CLI::App* command =
      add_command(program, "verify", "Checks the chain of commits and the checksum of every file.",
                  {"adweave verify --data DIR"});
  command->add_option("--data", *data, "The data folder")->required()->type_name("DIR");
  command->callback([&program, data] {
    program.action = [&program, data] { return verify_command(program.fs, *data); };
  });
}

}  // namespace adweave::app
