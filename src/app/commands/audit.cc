// SPDX-License-Identifier: Apache-2.0
// audit, rejects, verify: every record accounted for.
#include <iostream>

#include <fmt/format.h>

#include "app/command.h"
#include "app/terminal/terminal.h"
#include "base/base64.h"
#include "event/reject.h"
#include "event/schema.h"

namespace adweave::app {

namespace {

using ByCountedSource = std::map<std::string, int64_t>;

// The source's counts, and how far its rows in the lake are from what was accepted: 0 unless
// something is lost.
std::vector<JsonValue> audit_row(const ledger::Counts& counts, int64_t rows) {
  return {counts.source,    counts.records_read, counts.received(), counts.accepted,
          counts.duplicate, counts.conflict,     counts.rejected,   rows - counts.accepted};
}

// Rows of the event tables by the source that counted them; those of days that are gone as the
// ledger's records tell.
Result<ByCountedSource> rows_by_source(const query::SqlEngine& sql, const ledger::Ledger& ledger,
                                       int64_t as_of) {
  std::string statement;
  for (const event::Kind kind : event::kAllKinds) {
    statement += statement.empty() ? "" : " UNION ALL ";
    statement += "SELECT source, commit FROM " + std::string(event::table_name(kind));
  }
  ADWEAVE_ASSIGN(
      const query::QueryResult result,
      sql.query("SELECT source, commit, count(*) FROM (" + statement + ") GROUP BY ALL"));
  ByCountedSource rows = ledger.gone_rows(as_of);
  for (const auto& row : result.rows) {
    const auto& record = ledger.records()[static_cast<size_t>(*row[1].as_int()) - 1];
    rows[ledger::counted_source(record, *row[0].as_string())] += *row[2].as_int();
  }
  return rows;
}

void note_gone_events(const ledger::Ledger& ledger, int64_t as_of) {
  note_gone_days(ledger);
  int64_t gone = 0;
  for (const auto& [source, rows] : ledger.gone_rows(as_of)) gone += rows;
  if (gone > 0) std::cerr << "note: " << gone << " accepted events are gone with them\n";
}

Result<query::QueryResult> audit(const FileSystem& fs, const ReadOptions& options) {
  ADWEAVE_ASSIGN(const ledger::Ledger ledger, ledger::Ledger::open(fs, options.data));
  ADWEAVE_ASSIGN(const int64_t as_of, commit_of(ledger, options));
  ADWEAVE_ASSIGN(const query::SqlEngine sql, query::SqlEngine::open(options.data, ledger, as_of));
  ADWEAVE_ASSIGN(auto rows, rows_by_source(sql, ledger, as_of));
  note_gone_events(ledger, as_of);
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
  std::string out;
  int64_t limit = 20;
};

// "file:offset#event", by number.
constexpr const char* kByPosition =
    " ORDER BY commit, source, regexp_extract(source_position, '(.*):', 1), "
    "regexp_extract(source_position, ':(\\d+)[^:]*$', 1)::BIGINT, length(source_position), "
    "source_position";

std::string filter_of(const RejectOptions& options) {
  std::string filter;
  if (!options.reason.empty()) filter += " AND reason = " + query::sql_text(options.reason);
  if (!options.source.empty()) filter += " AND source = " + query::sql_text(options.source);
  return filter;
}

int list_rejects(FileSystem& fs, const RejectOptions& options) {
  return print_query(
      fs, options.read,
      "SELECT source, source_position, outcome, reason, rule, message FROM rejects WHERE sign = 1" +
          filter_of(options) + kByPosition + " LIMIT " + std::to_string(options.limit));
}

// One row for each source, reason and rule, the most frequent first, with a sample and what to do.
Result<query::QueryResult> reject_causes(const FileSystem& fs, const RejectOptions& options) {
  ADWEAVE_ASSIGN(const query::SqlEngine sql, open_sql(fs, options.read));
  ADWEAVE_ASSIGN(
      query::QueryResult result,
      sql.query(
          "SELECT source, outcome, reason, rule, count(*) AS rejects, "
          "arg_min(message, (commit, source_position)) AS message, "
          "arg_min(source_position, (commit, source_position)) AS sample FROM rejects "
          "WHERE sign = 1" +
          filter_of(options) +
          " GROUP BY source, outcome, reason, rule ORDER BY rejects DESC, source, reason, rule"));
  result.columns.emplace_back("fix");
  for (auto& row : result.rows) {
    const std::optional<event::Reason> reason = event::parse_reason(*row[2].as_string());
    row.emplace_back(reason ? event::reason_fix(*reason)
                            : "two events have one id: have the sender give each its own");
  }
  return result;
}

int list_causes(FileSystem& fs, const RejectOptions& options) {
  const Result<query::QueryResult> result = reject_causes(fs, options);
  if (!result) return fail(result.error());
  print_rows(*result, options.read);
  return kOk;
}

// The raw bytes of rejects, one after the other, each with a line feed behind it.
Result<std::string> export_rejects(FileSystem& fs, const RejectOptions& options) {
  constexpr int64_t kRowsAtOnce = 50'000;
  ADWEAVE_ASSIGN(const query::SqlEngine sql, open_sql(fs, options.read));
  ADWEAVE_ASSIGN(const std::unique_ptr<File> file, fs.create_exclusive(options.out));
  int64_t written = 0;
  int64_t cut = 0;
  for (int64_t offset = 0;; offset += kRowsAtOnce) {
    ADWEAVE_ASSIGN(
        const query::QueryResult result,
        sql.query("SELECT to_base64(raw), raw_length - octet_length(raw) FROM rejects WHERE "
                  "sign = 1 AND raw IS NOT NULL" +
                  filter_of(options) + kByPosition + " LIMIT " + std::to_string(kRowsAtOnce) +
                  " OFFSET " + std::to_string(offset)));
    std::string bytes;
    for (const auto& row : result.rows) {
      bytes += decode_base64(*row[0].as_string()).value_or("");
      bytes += '\n';
      cut += *row[1].as_int() > 0 ? 1 : 0;
    }
    ADWEAVE_TRY(file->write(bytes));
    written += static_cast<int64_t>(result.rows.size());
    if (static_cast<int64_t>(result.rows.size()) < kRowsAtOnce) break;
  }
  ADWEAVE_TRY(file->sync());
  ADWEAVE_TRY(file->close());
  return fmt::format("{} reject(s) in {}{}", written, options.out,
                     cut == 0 ? "" : fmt::format("; of {} only the first MiB was kept", cut));
}

int export_command(FileSystem& fs, const RejectOptions& options) {
  const Result<std::string> done = export_rejects(fs, options);
  if (!done) return fail(done.error());
  fmt::print("{}\n", *done);
  return kOk;
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

void add_filter(CLI::App& command, RejectOptions& options) {
  command.add_option("--reason", options.reason, "Only of this reason")->type_name("NAME");
  command.add_option("--source", options.source, "Only of this source")->type_name("NAME");
}

void add_causes(Program& program, CLI::App& rejects,
                const std::shared_ptr<RejectOptions>& options) {
  CLI::App* command = rejects.add_subcommand(
      "causes", "Counts rejects by cause, with a sample and what to do about it.");
  options->read.add_to(*command);
  add_filter(*command, *options);
  command->callback([&program, options] {
    program.action = [&program, options] { return list_causes(program.fs, *options); };
  });
}

void add_export(Program& program, CLI::App& rejects,
                const std::shared_ptr<RejectOptions>& options) {
  CLI::App* command = rejects.add_subcommand(
      "export", "Writes the raw bytes of rejects into a new file, one after the other.");
  options->read.add_to(*command);
  add_filter(*command, *options);
  command->add_option("--out", options->out, "The file; must not exist")
      ->required()
      ->type_name("FILE");
  command->callback([&program, options] {
    program.action = [&program, options] { return export_command(program.fs, *options); };
  });
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
      {"adweave rejects causes --data DIR                    # how many of each, and what to do",
       "adweave rejects list --data DIR --reason bad_time",
       "adweave rejects export --data DIR --source clicks --out rejected.csv",
       "adweave rejects show --data DIR clicks.csv:1234"});
  command->require_subcommand(1);
  add_causes(program, *command, options);
  add_export(program, *command, options);
  CLI::App* list = command->add_subcommand("list", "Lists rejects, oldest first.");
  options->read.add_to(*list);
  add_filter(*list, *options);
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
