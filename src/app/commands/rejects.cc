// SPDX-License-Identifier: Apache-2.0
// rejects: what was not taken, why, and what to do about it.
#include <iostream>

#include <fmt/format.h>

#include "app/command.h"
#include "base/base64.h"
#include "event/reject.h"

namespace adweave::app {

namespace {

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
      "SELECT source, source_position, outcome, reason, rule, message FROM current_rejects WHERE "
      "state = 'open'" +
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
          "arg_min(source_position, (commit, source_position)) AS sample FROM current_rejects "
          "WHERE state = 'open'" +
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
        sql.query("SELECT to_base64(raw), raw_length - octet_length(raw) FROM current_rejects "
                  "WHERE state = 'open'" +
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
      "SELECT source, source_position, outcome, reason, rule, message, state, attempt, kind, "
      "event_id, raw_length, raw_hash, first_seen, commit, raw FROM current_rejects WHERE "
      "source_position = " +
      query::sql_text(options.position) + " ORDER BY commit, reason");
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

void add_rejects_command(Program& program) {
  auto options = std::make_shared<RejectOptions>();
  CLI::App* command = add_command(
      program, "rejects", "Shows records that were not taken, with reason and raw bytes.",
      {"adweave rejects causes --data DIR                    # how many of each, and what to do",
       "adweave rejects fix -c adweave.yaml --data DIR       # what a corrected mapping would do",
       "adweave rejects replay -c adweave.yaml --data DIR    # do it",
       "adweave rejects list --data DIR --reason bad_time",
       "adweave rejects export --data DIR --source clicks --out rejected.csv",
       "adweave rejects show --data DIR clicks.csv:1234"});
  command->require_subcommand(1);
  add_causes(program, *command, options);
  add_export(program, *command, options);
  add_replay_commands(program, *command);
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

}  // namespace adweave::app
