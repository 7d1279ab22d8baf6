// SPDX-License-Identifier: Apache-2.0
#include "app/command.h"

#include <algorithm>
#include <csignal>
#include <iostream>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "app/terminal/terminal.h"
#include "app/version.h"
#include "base/limits.h"
#include "base/time.h"
#include "query/warehouse.h"

namespace adweave::app {

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage:
      return kUsage;
    case ErrorCode::config:
      return kBadConfig;
    case ErrorCode::locked:
    case ErrorCode::fenced:
      return kTryAgain;
    case ErrorCode::internal:
      return kInternal;
    default:
      return kFailed;
  }
}

void ReadOptions::add_to(CLI::App& command, bool with_as_of) {
  command.add_option("--data", data, "The data folder")->required()->type_name("DIR");
  add_output_option(command, output);
  if (with_as_of) {
    command.add_option("--as-of", as_of, "As the ledger was after commit N")
        ->check(CLI::PositiveNumber)
        ->type_name("N");
  }
}

void add_config_option(CLI::App& command, std::string& path) {
  command.add_option("-c,--config", path, "The configuration file")->required()->type_name("FILE");
}

void add_output_option(CLI::App& command, std::string& output) {
  command.add_option("--output", output, "How to print: table, json, ndjson or csv")
      ->check(CLI::IsMember({"table", "json", "ndjson", "csv"}))
      ->type_name("FORMAT");
}

void add_threads_option(CLI::App& command, int& threads, const std::string& what) {
  command.add_option("--threads", threads, what + "; all cores by default")
      ->check(CLI::Range(1, limits::kThreadsMax))
      ->type_name("N");
}

int thread_count(int asked) {
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  return std::clamp(asked > 0 ? asked : cores, 1, limits::kThreadsMax);
}

void WriteOptions::add_to(CLI::App& command) {
  add_config_option(command, config);
  command.add_option("--data", data, "The data folder; made where it is missing")
      ->required()
      ->type_name("DIR");
  add_threads_option(command, threads, "Threads that decode and encode");
  command.add_flag("--take-over", take_over, "Take the data folder over from a writer that hangs");
}

namespace {

volatile std::sig_atomic_t stop_signal = 0;

}  // namespace

void stop_on_signals() {
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { stop_signal = 1; });
}

bool stop_asked() {
  return stop_signal != 0;
}

int fail(const Error& error) {
  std::cerr << "adweave: " << error.message << '\n';
  if (!error.fix.empty()) std::cerr << "  fix: " << error.fix << '\n';
  return exit_code(error.code);
}

void HelpFormatter::set_examples(const CLI::App* command,
                                 const std::vector<std::string>& examples) {
  std::string text = "Examples:\n";
  for (const std::string& example : examples) text += "  " + example + "\n";
  examples_[command] = text + "\n";
}

std::string HelpFormatter::make_help(const CLI::App* command, std::string name,
                                     CLI::AppFormatMode mode) const {
  const auto it = examples_.find(command);
  const std::string examples = it == examples_.end() ? "" : it->second;
  return examples + CLI::Formatter::make_help(command, std::move(name), mode);
}

CLI::App* add_command(Program& program, const std::string& name, const std::string& what,
                      const std::vector<std::string>& examples) {
  CLI::App* command = program.app.add_subcommand(name, what);
  program.help->set_examples(command, examples);
  return command;
}

Result<int64_t> commit_of(const ledger::Ledger& ledger, const ReadOptions& options) {
  if (options.as_of == 0) return ledger.head();
  if (options.as_of <= ledger.head()) return options.as_of;
  return Error{ErrorCode::usage, "there is no commit " + std::to_string(options.as_of) + " yet",
               "the newest is " + std::to_string(ledger.head())};
}

void note_gone_days(const ledger::Ledger& ledger) {
  if (!ledger.retention()) return;
  std::cerr << "note: days before " << format_date(ledger.retention()->from)
            << " are gone since commit " << ledger.retention()->commit << '\n';
}

std::string lock_holder() {
  char host[256] = "unknown host";
  gethostname(host, sizeof host - 1);
  return fmt::format("process {} on {} since {}", getpid(), host, format_time(now_us()));
}

Result<ledger::LedgerWriter> open_writer(FileSystem& fs, const std::string& data) {
  return ledger::LedgerWriter::open_existing(fs, {data, lock_holder(), "", kVersion, false});
}

Result<query::SqlEngine> open_sql(const FileSystem& fs, const ReadOptions& options) {
  ADWEAVE_ASSIGN(const ledger::Ledger ledger, ledger::Ledger::open(fs, options.data));
  ADWEAVE_ASSIGN(const int64_t as_of, commit_of(ledger, options));
  note_gone_days(ledger);
  return query::SqlEngine::open(options.data, ledger, as_of);
}

Result<query::SqlEngine> open_report_sql(FileSystem& fs, const ReadOptions& options, bool kpi) {
  ADWEAVE_ASSIGN(const ledger::Ledger ledger, ledger::Ledger::open(fs, options.data));
  ADWEAVE_ASSIGN(const int64_t as_of, commit_of(ledger, options));
  note_gone_days(ledger);
  return query::open_with_warehouse(fs, options.data, ledger, as_of, kpi);
}

void print_rows(const query::QueryResult& result, const ReadOptions& options) {
  write_result(std::cout, result, options.format(), output_width());
  std::cout.flush();
}

int print_query(FileSystem& fs, const ReadOptions& options, const std::string& statement) {
  const Result<query::SqlEngine> sql = open_sql(fs, options);
  if (!sql) return fail(sql.error());
  const Result<query::QueryResult> result = sql->query(statement);
  if (!result) return fail(result.error());
  print_rows(*result, options);
  return kOk;
}

void add_all_commands(Program& program) {
  add_run_command(program);
  add_serve_command(program);
  add_top_command(program);
  add_tap_command(program);
  add_report_command(program);
  add_sql_command(program);
  add_explain_command(program);
  add_diff_command(program);
  add_status_command(program);
  add_export_command(program);
  add_ddl_command(program);
  add_rebuild_command(program);
  add_repair_command(program);
  add_audit_command(program);
  add_rejects_command(program);
  add_verify_command(program);
  add_retain_command(program);
  add_close_command(program);
  add_seal_commands(program);
  add_pause_commands(program);
  add_inspect_command(program);
  add_count_command(program);
  add_validate_command(program);
  add_generate_command(program);
  add_doctor_command(program);
  add_docs_command(program);
  add_completion_command(program);
  add_version_command(program);
}

int run_program(int argc, char** argv, FileSystem& fs) {
  Program program{CLI::App{"Raw ad logs in, one atomic ledger, KPIs out.", "adweave"}, fs, {}};
  program.app.formatter(program.help);
  program.help->set_examples(
      &program.app, {"adweave run -c adweave.yaml --data DIR       read what is new and commit it",
                     "adweave report --data DIR --by campaign_id   KPIs",
                     "adweave rejects list --data DIR              what was not taken, and why",
                     "adweave COMMAND -h                           more about a command"});
  program.app.require_subcommand(1);
  add_all_commands(program);
  try {
    program.app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int code = program.app.exit(e);
    return code == 0 ? kOk : kUsage;
  }
  return program.action ? program.action() : kUsage;
}

}  // namespace adweave::app
