// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>
#include <iostream>

#include <fmt/format.h>

#include "app/command.h"
#include "app/config/config.h"
#include "app/config/registry_config.h"
#include "app/terminal/profile.h"
#include "app/terminal/terminal.h"
#include "app/version.h"
#include "registry/book.h"

namespace adweave::app {

namespace {

struct RunOptions {
  WriteOptions write;
  bool detailed_exitcode = false;
  bool profile = false;
  std::string profile_json;  // a file; empty: none
};

int report_problems(const std::string& path, const std::vector<ConfigProblem>& problems) {
  for (const ConfigProblem& problem : problems) std::cerr << problem_text(path, problem) << '\n';
  return kBadConfig;
}

void print_report(const engine::RunReport& report, const std::string& data) {
  if (report.first_commit == 0) {
    fmt::print("nothing to do: {} file(s) known, nothing new\n", report.files_known);
    return;
  }
  fmt::print("{} file(s) read, {} known; commits {} to {} in {}\n", report.files,
             report.files_known, report.first_commit, report.last_commit, data);
  for (const ledger::Counts& counts : report.counts) {
    fmt::print("  {}: {} records, {} accepted, {} duplicate, {} conflict, {} rejected\n",
               counts.source, counts.records_read, counts.accepted, counts.duplicate,
               counts.conflict, counts.rejected);
  }
}

int code_of(const engine::RunReport& report, bool detailed) {
  if (stop_asked()) return kInterrupted;
  if (!detailed) return kOk;
  if (report.first_commit == 0) return kNothingToDo;
  for (const ledger::Counts& counts : report.counts) {
    if (counts.rejected + counts.conflict > 0) return kRejected;
  }
  return kOk;
}

// Where the time went, for people and, in a file, for programs.
int print_profile(const engine::Profile& profile, const RunOptions& options) {
  if (options.profile) {
    std::cout << '\n';
    write_result(std::cout, profile_table(profile), OutputFormat::table, output_width());
    std::cout << '\n' << profile_summary(profile);
    std::cout.flush();
  }
  if (options.profile_json.empty()) return kOk;
  std::ofstream file(options.profile_json);
  file << profile_json(profile).dump() << '\n';
  file.close();
  if (file) return kOk;
  return fail({ErrorCode::io, options.profile_json + ": cannot be written", "give another file"});
}

// The run goes on.
void tell_trouble(const Error& error) {
  std::cerr << fmt::format("adweave: {}; it is tried again\n", error.message);
}

int run_command(FileSystem& fs, const RunOptions& options) {
  engine::Job job;
  if (const int code = open_job(fs, options.write, job); code != kOk) return code;
  if (const Status opened = open_registries(fs, job); !opened) return fail(opened.error());
  stop_on_signals();  // what has been sequenced is committed then

  engine::Profile profile;
  const bool is_profiled = options.profile || !options.profile_json.empty();
  const int64_t begin = engine::wall_clock();
  const Result<engine::RunReport> report = [&] {
    ProgressBar progress("run");
    return engine::run(fs, job,
                       {now_us, [&](int64_t done, int64_t total) { progress.show(done, total); },
                        stop_asked, is_profiled ? &profile : nullptr, tell_trouble});
  }();
  profile.finish(engine::wall_clock() - begin, engine::process_cpu_clock(), job.threads);
  if (!report) return fail(report.error());
  print_report(*report, options.write.data);
  if (const int code = print_profile(profile, options); code != kOk) return code;
  if (report->behind) return fail(*report->behind);
  return code_of(*report, options.detailed_exitcode);
}

int validate_command(FileSystem& fs, const std::string& path) {
  const Result<Config> config = load_config(fs, path);
  if (!config) return fail({ErrorCode::config, config.error().message, config.error().fix});
  if (!config->problems.empty()) return report_problems(path, config->problems);
  fmt::print("{}: valid, {} source(s)\n", path, config->job.sources.size());
  return kOk;
}

}  // namespace

int open_job(const FileSystem& fs, const std::string& config, const std::string& data,
             engine::Job& job) {
  return open_job(fs, {.config = config, .data = data, .threads = 1}, job);
}

void give_schemas(engine::Job& job, const std::shared_ptr<const decode::SchemaBook>& book) {
  for (engine::SourceJob& source : job.sources) {
    if (source.decoder.avro.from_registry && !source.registry) source.decoder.avro.book = book;
  }
}

int open_job(const FileSystem& fs, const WriteOptions& options, engine::Job& job,
             serve::Options* serve) {
  // Files of the configuration are found from anywhere, and shown by the same names.
  const std::string path = std::filesystem::absolute(options.config).lexically_normal().string();
  Result<Config> loaded = load_config(fs, path);
  if (!loaded) return fail({ErrorCode::config, loaded.error().message, loaded.error().fix});
  if (!loaded->problems.empty()) return report_problems(options.config, loaded->problems);
  job = std::move(loaded->job);
  job.data = options.data;
  job.threads = thread_count(options.threads);
  job.take_over = options.take_over;
  job.holder = lock_holder();
  job.program = kVersion;
  if (serve == nullptr) {  // a server has its own registry
    const auto book = std::make_shared<registry::RegistryBook>();
    if (!job.data.empty()) {
      if (const Status read = book->read(fs, join_path(job.data, "registry")); !read)
        return fail(read.error());
    }
    give_schemas(job, book);
  }
  if (serve != nullptr) *serve = std::move(loaded->serve);
  return kOk;
}

void add_run_command(Program& program) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = add_command(
      program, "run", "Reads what is new in the configured sources and commits it.",
      {"adweave run -c adweave.yaml --data DIR",
       "adweave run -c adweave.yaml --data DIR --threads 4",
       "adweave run -c adweave.yaml --data DIR --profile     # where the time goes",
       "adweave run -c adweave.yaml --data DIR --take-over   # the other writer hangs"});
  options->write.add_to(*command);
  command->add_flag("--detailed-exitcode", options->detailed_exitcode,
                    "99 when there is nothing to do, 3 when records were rejected");
  command->add_flag("--profile", options->profile,
                    "Shows the time of each stage, and which of them holds the run up");
  command
      ->add_option("--profile-json", options->profile_json, "Writes the same into a file, as JSON")
      ->type_name("FILE");
  command->callback([&program, options] {
    program.action = [&program, options] { return run_command(program.fs, *options); };
  });
}

void add_validate_command(Program& program) {
  auto path = std::make_shared<std::string>();
  CLI::App* command =
      add_command(program, "validate", "Checks a configuration and says all that is wrong with it.",
                  {"adweave validate -c adweave.yaml"});
  add_config_option(*command, *path);
  command->callback([&program, path] {
    program.action = [&program, path] { return validate_command(program.fs, *path); };
  });
}

}  // namespace adweave::app
