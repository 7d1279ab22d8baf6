// SPDX-License-Identifier: Apache-2.0
// seal, compact, vacuum: few large files instead of many small ones.
#include "engine/seal.h"

#include <fmt/format.h>

#include "app/command.h"
#include "app/terminal/terminal.h"
#include "app/version.h"
#include "base/limits.h"
#include "engine/vacuum.h"

namespace adweave::app {

namespace {

constexpr int64_t kGraceDaysMax = 3650;

struct UpkeepArguments {
  std::string data;
  bool all = false;
  int threads = 0;
  int64_t grace_days = limits::kVacuumGraceUs / limits::kDayUs;
  bool dry_run = false;
};

double megabytes(int64_t bytes) {
  return static_cast<double>(bytes) / 1e6;
}

ledger::WriterOptions writer_options(const UpkeepArguments& arguments) {
  return {arguments.data, lock_holder(), "", kVersion, false};
}

// Runs seal or compact, shows its progress and says what became of each day.
template <class Work>
int merge_command(const UpkeepArguments& arguments, const std::string& name,
                  const std::string& done_word, Work work) {
  const auto days = [&] {
    ProgressBar progress(name);
    engine::UpkeepOptions options;
    options.threads = thread_count(arguments.threads);
    options.now_us = now_us;
    options.progress = [&](int64_t done, int64_t total) { progress.show(done, total); };
    return work(options);
  }();
  if (!days) return fail(days.error());
  for (const engine::MergedDay& day : *days) {
    fmt::print("{}: {} rows, {} files of {:.1f} MB {} as {} of {:.1f} MB by commit {}\n", day.date,
               day.rows, day.files_before, megabytes(day.bytes_before), done_word, day.files,
               megabytes(day.bytes), day.commit);
  }
  if (days->empty()) fmt::print("nothing to {}\n", name);
  return kOk;
}

int seal_command(FileSystem& fs, const UpkeepArguments& arguments) {
  return merge_command(arguments, "seal", "sealed", [&](const engine::UpkeepOptions& options) {
    return engine::seal(fs, writer_options(arguments), arguments.all, options);
  });
}

int compact_command(FileSystem& fs, const UpkeepArguments& arguments) {
  return merge_command(arguments, "compact", "merged", [&](const engine::UpkeepOptions& options) {
    return engine::compact(fs, writer_options(arguments), options);
  });
}

int vacuum_command(FileSystem& fs, const UpkeepArguments& arguments) {
  const auto report =
      engine::vacuum(fs, writer_options(arguments), arguments.grace_days * limits::kDayUs, now_us(),
                     arguments.dry_run);
  if (!report) return fail(report.error());
  fmt::print("{} replaced files, {:.1f} MB, {}; {} were replaced less than {} days ago\n",
             report->files, megabytes(report->bytes),
             arguments.dry_run ? "would be removed" : "removed", report->files_left,
             arguments.grace_days);
  return kOk;
}

CLI::App* add_upkeep(Program& program, const std::string& name, const std::string& what,
                     const std::vector<std::string>& examples,
                     const std::shared_ptr<UpkeepArguments>& arguments,
                     int (*run)(FileSystem&, const UpkeepArguments&)) {
  CLI::App* command = add_command(program, name, what, examples);
  command->add_option("--data", arguments->data, "The data folder")->required()->type_name("DIR");
  command->callback([&program, arguments, run] {
    program.action = [&program, arguments, run] { return run(program.fs, *arguments); };
  });
  return command;
}

void add_threads(CLI::App& command, UpkeepArguments& arguments) {
  add_threads_option(command, arguments.threads, "Files that are merged at once, each in memory");
}

}  // namespace

void add_seal_commands(Program& program) {
  auto arguments = std::make_shared<UpkeepArguments>();
  CLI::App* seal = add_upkeep(
      program, "seal",
      "Merges the files of days that are over; others read them as plain Parquet, dt=DAY.",
      {"adweave seal --data DIR          # days that have been over for a day",
       "adweave seal --data DIR --all    # today's too"},
      arguments, seal_command);
  seal->add_flag("--all", arguments->all, "Every day, also the one that is not over");
  add_threads(*seal, *arguments);

  arguments = std::make_shared<UpkeepArguments>();
  CLI::App* compact =
      add_upkeep(program, "compact", "Merges the small files of days that are not sealed.",
                 {"adweave compact --data DIR"}, arguments, compact_command);
  add_threads(*compact, *arguments);

  arguments = std::make_shared<UpkeepArguments>();
  CLI::App* vacuum = add_upkeep(
      program, "vacuum", "Removes files that seal and compact have replaced.",
      {"adweave vacuum --data DIR --dry-run     # what would go", "adweave vacuum --data DIR",
       "adweave vacuum --data DIR --grace 0     # nobody else reads the lake"},
      arguments, vacuum_command);
  vacuum
      ->add_option("--grace", arguments->grace_days,
                   "Days that a replaced file stays for who reads it still; 7 by default")
      ->check(CLI::Range(int64_t{0}, kGraceDaysMax))
      ->type_name("DAYS");
  vacuum->add_flag("--dry-run", arguments->dry_run, "Only say what would be removed");
}

}  // namespace adweave::app
