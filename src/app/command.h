// SPDX-License-Identifier: Apache-2.0
// What every command shares: options, how a failure is told, and the list of all commands.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/terminal/output.h"
#include "base/file_system.h"
#include "ledger/writer.h"

namespace adweave::decode {
class SchemaBook;
}
namespace adweave::engine {
struct Job;
}
namespace adweave::serve {
struct Options;
}

namespace adweave::app {

// docs/reference/exit-codes.md
enum ExitCode : int {
  kOk = 0,
  kFailed = 1,    // ran, some work failed
  kRejected = 3,  // with --detailed-exitcode: some records were rejected
  kUsage = 2,
  kInternal = 70,
  kTryAgain = 75,  // another writer holds the data folder
  kBadConfig = 78,
  kNothingToDo = 99,  // with --detailed-exitcode
  kInterrupted = 130,
};

// Help that begins with examples.
class HelpFormatter : public CLI::Formatter {
 public:
  void set_examples(const CLI::App* command, const std::vector<std::string>& examples);
  std::string make_help(const CLI::App* command, std::string name,
                        CLI::AppFormatMode mode) const override;

 private:
  std::map<const CLI::App*, std::string> examples_;
};

// A command adds itself to the program and sets `action` when it is chosen.
struct Program {
  CLI::App app;
  FileSystem& fs;
  std::function<int()> action;
  std::shared_ptr<HelpFormatter> help = std::make_shared<HelpFormatter>();
};

// Options of commands that read a data folder and print rows.
struct ReadOptions {
  std::string data;
  std::string output = "table";
  int64_t as_of = 0;  // 0: the newest commit

  void add_to(CLI::App& command, bool with_as_of = true);
  OutputFormat format() const { return *parse_output(output); }
};

// Options of commands that read sources and write a data folder.
struct WriteOptions {
  std::string config;
  std::string data;
  int threads = 0;  // 0: all cores
  bool take_over = false;

  void add_to(CLI::App& command);
};

// -c, --config: required.
void add_config_option(CLI::App& command, std::string& path);

// --output: table, json, ndjson or csv.
void add_output_option(CLI::App& command, std::string& output);

// --threads: all cores by default. `what` says what they do.
void add_threads_option(CLI::App& command, int& threads, const std::string& what);
// As many as were asked for; 0: all cores.
int thread_count(int asked);

// From here on SIGINT and SIGTERM end nothing: they are asked for.
void stop_on_signals();
bool stop_asked();

int exit_code(ErrorCode code);

// Tells an error on standard error and gives its exit code.
int fail(const Error& error);

// Adds a subcommand whose help begins with examples, one a line.
CLI::App* add_command(Program& program, const std::string& name, const std::string& what,
                      const std::vector<std::string>& examples);

// The commit that a command reads as of; fails with usage when there is no such commit.
Result<int64_t> commit_of(const ledger::Ledger& ledger, const ReadOptions& options);

// Says on standard error which days a retention commit took away, if any.
void note_gone_days(const ledger::Ledger& ledger);

// This process, as the lock of a data folder names it.
std::string lock_holder();

// A writer of a data folder that is there, for this process. Fails with locked and not_found.
Result<ledger::LedgerWriter> open_writer(FileSystem& fs, const std::string& data);

// The job of a configuration file on a data folder, for this process. kOk, or the exit code after
// what is wrong has been told.
int open_job(const FileSystem& fs, const std::string& config, const std::string& data,
             engine::Job& job);
// The same; fills in what the file says of a server, if that is asked for. Then the schemas of a
// registry are to be given.
int open_job(const FileSystem& fs, const WriteOptions& options, engine::Job& job,
             serve::Options* serve = nullptr);

// Gives the book to the sources that have their schemas from a registry.
void give_schemas(engine::Job& job, const std::shared_ptr<const decode::SchemaBook>& book);

// Opens SQL over a folder as of the options' commit; notes gone days.
Result<query::SqlEngine> open_sql(const FileSystem& fs, const ReadOptions& options);

// The same for reports: with the warehouse, where there is one, or with the view `kpi`.
Result<query::SqlEngine> open_report_sql(FileSystem& fs, const ReadOptions& options, bool kpi);

// Prints rows on standard output.
void print_rows(const query::QueryResult& result, const ReadOptions& options);

// Runs a SELECT and prints its rows; the command's exit code.
int print_query(FileSystem& fs, const ReadOptions& options, const std::string& statement);

// The commands, each in a file of its own; add_all_commands() is the list.
void add_run_command(Program& program);
void add_serve_command(Program& program);
void add_top_command(Program& program);
void add_tap_command(Program& program);
void add_validate_command(Program& program);
void add_report_command(Program& program);
void add_sql_command(Program& program);
void add_retain_command(Program& program);
void add_close_command(Program& program);
void add_seal_commands(Program& program);
void add_pause_commands(Program& program);
void add_explain_command(Program& program);
void add_rebuild_command(Program& program);
void add_repair_command(Program& program);
void add_status_command(Program& program);
void add_ddl_command(Program& program);
void add_export_command(Program& program);
void add_diff_command(Program& program);
void add_rejects_command(Program& program);
void add_replay_commands(Program& program, CLI::App& rejects);
void add_audit_command(Program& program);
void add_verify_command(Program& program);
void add_generate_command(Program& program);
void add_inspect_command(Program& program);
void add_count_command(Program& program);
void add_doctor_command(Program& program);
void add_docs_command(Program& program);
void add_completion_command(Program& program);
void add_version_command(Program& program);
void add_all_commands(Program& program);

// Parses the command line and runs the chosen command.
int run_program(int argc, char** argv, FileSystem& fs);

}  // namespace adweave::app
