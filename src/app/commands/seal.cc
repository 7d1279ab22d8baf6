// SPDX-License-Identifier: Apache-2.0
// seal, compact, vacuum: few large files instead of many small ones.
#include "app/command.h"
#include "app/control/upkeep.h"
#include "base/limits.h"

namespace adweave::app {

namespace {

constexpr int64_t kGraceDaysMax = 3650;

struct UpkeepArguments {
  std::string data;
  Upkeep upkeep;
  int threads = 0;
};

int run_upkeep(FileSystem& fs, UpkeepArguments& arguments) {
  arguments.upkeep.threads = thread_count(arguments.threads);
  return upkeep_command(fs, arguments.data, arguments.upkeep);
}

CLI::App* add_upkeep(Program& program, const std::string& name, const std::string& what,
                     const std::vector<std::string>& examples,
                     const std::shared_ptr<UpkeepArguments>& arguments) {
  arguments->upkeep.command = name;
  CLI::App* command = add_command(program, name, what, examples);
  command->add_option("--data", arguments->data, "The data folder")->required()->type_name("DIR");
  command->callback([&program, arguments] {
    program.action = [&program, arguments] { return run_upkeep(program.fs, *arguments); };
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
      arguments);
  seal->add_flag("--all", arguments->upkeep.all, "Every day, also the one that is not over");
  add_threads(*seal, *arguments);

  arguments = std::make_shared<UpkeepArguments>();
  CLI::App* compact =
      add_upkeep(program, "compact", "Merges the small files of days that are not sealed.",
                 {"adweave compact --data DIR"}, arguments);
  add_threads(*compact, *arguments);

  arguments = std::make_shared<UpkeepArguments>();
  arguments->upkeep.grace_days = limits::kVacuumGraceUs / limits::kDayUs;
  CLI::App* vacuum = add_upkeep(
      program, "vacuum", "Removes files that seal and compact have replaced.",
      {"adweave vacuum --data DIR --dry-run     # what would go", "adweave vacuum --data DIR",
       "adweave vacuum --data DIR --grace 0     # nobody else reads the lake"},
      arguments);
  vacuum
      ->add_option("--grace", arguments->upkeep.grace_days,
                   "Days that a replaced file stays for who reads it still; 7 by default")
      ->check(CLI::Range(int64_t{0}, kGraceDaysMax))
      ->type_name("DAYS");
  vacuum->add_flag("--dry-run", arguments->upkeep.dry_run, "Only say what would be removed");
}

}  // namespace adweave::app
