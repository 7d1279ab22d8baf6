// SPDX-License-Identifier: Apache-2.0
// retain, close: days that are gone, days whose books are closed.
#include <iostream>

#include <fmt/format.h>
#include <unistd.h>

#include "app/command.h"
#include "app/control/upkeep.h"
#include "app/terminal/terminal.h"
#include "base/limits.h"
#include "base/time.h"
#include "engine/retention.h"

namespace adweave::app {

namespace {

struct DayOptions {
  std::string data;
  std::string day;
  bool yes = false;
};

// "2023-10-01" as the start of that day.
Result<int64_t> parse_day(const std::string& text) {
  const auto time = text.size() == 10 ? parse_iso_time(text + "T00:00:00Z") : std::nullopt;
  if (time) return time->micros;
  return Error{ErrorCode::usage, "'" + text + "' is no day", "write it as 2023-10-01"};
}

bool confirmed(const engine::RetentionPlan& plan) {
  std::cerr << fmt::format(
      "This removes every day before {}: {} events in {} files, {:.1f} MB, for good.\n"
      "Type yes to go on: ",
      format_date(plan.from), plan.events, plan.files, static_cast<double>(plan.bytes) / 1e6);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "yes";
}

// What is to be removed, after whoever asked has agreed.
Status agree_to(const FileSystem& fs, const DayOptions& options, int64_t from) {
  ADWEAVE_ASSIGN(const ledger::Ledger ledger, ledger::Ledger::open(fs, options.data));
  ADWEAVE_ASSIGN(const engine::RetentionPlan plan, engine::plan_retention(ledger, from, now_us()));
  if (options.yes || plan.done) return {};
  if (isatty(STDIN_FILENO) == 0) {
    return Error{ErrorCode::usage,
                 fmt::format("this would remove {} events of days before {} for good", plan.events,
                             format_date(from)),
                 "add --yes where there is no terminal to ask on"};
  }
  return confirmed(plan) ? Status() : Error{ErrorCode::usage, "nothing was removed", ""};
}

int retain_command(FileSystem& fs, const DayOptions& options) {
  const Result<int64_t> from = parse_day(options.day);
  if (!from) return fail(from.error());
  if (const Status agreed = agree_to(fs, options, *from); !agreed) return fail(agreed.error());
  Result<ledger::LedgerWriter> writer = open_writer(fs, options.data);
  if (!writer) return fail(writer.error());
  const Result<engine::RetentionPlan> done = engine::retain(fs, *writer, *from, now_us());
  if (!done) return fail(done.error());
  if (done->done) {
    fmt::print("nothing to do: days before {} are gone already\n", options.day);
  } else {
    fmt::print("days before {} are gone: {} events in {} files, {:.1f} MB\n", options.day,
               done->events, done->files, static_cast<double>(done->bytes) / 1e6);
  }
  return kOk;
}

int close_command(FileSystem& fs, const DayOptions& options) {
  const Result<int64_t> day = parse_day(options.day);
  if (!day) return fail(day.error());
  Upkeep upkeep;
  upkeep.command = "close";
  upkeep.open_from = *day + limits::kDayUs;
  return upkeep_command(fs, options.data, upkeep);
}

}  // namespace

void add_retain_command(Program& program) {
  auto options = std::make_shared<DayOptions>();
  CLI::App* command =
      add_command(program, "retain", "Removes all days before a day for good, and refuses them.",
                  {"adweave retain --from 2023-10-01 --data DIR        # asks first",
                   "adweave retain --from 2023-10-01 --data DIR --yes"});
  command->add_option("--from", options->day, "The oldest day to keep, in UTC")
      ->required()
      ->type_name("DAY");
  command->add_option("--data", options->data, "The data folder")->required()->type_name("DIR");
  command->add_flag("--yes", options->yes, "Do not ask");
  command->callback([&program, options] {
    program.action = [&program, options] { return retain_command(program.fs, *options); };
  });
}

void add_close_command(Program& program) {
  auto options = std::make_shared<DayOptions>();
  CLI::App* command =
      add_command(program, "close",
                  "Closes the books through a day: credits that change later are posted after it.",
                  {"adweave close --through 2023-10-31 --data DIR"});
  command->add_option("--through", options->day, "The last closed day, in UTC")
      ->required()
      ->type_name("DAY");
  command->add_option("--data", options->data, "The data folder")->required()->type_name("DIR");
  command->callback([&program, options] {
    program.action = [&program, options] { return close_command(program.fs, *options); };
  });
}

}  // namespace adweave::app
