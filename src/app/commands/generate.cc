// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "app/command.h"
#include "app/terminal/terminal.h"
#include "base/time.h"
#include "source/generator/generator.h"

namespace adweave::app {

namespace {

int generate_command(FileSystem& fs, source::GeneratorOptions& options, const std::string& start) {
  if (!start.empty()) {
    const std::optional<ParsedTime> time = parse_iso_time(start);
    if (!time)
      return fail({ErrorCode::usage, "--start '" + start + "' is no ISO 8601 time",
                   "write 2023-11-01T00:00:00Z"});
    options.start_us = time->micros;
  }
  const Status status = [&] {
    ProgressBar progress("generate", ProgressBar::Unit::events);
    return source::generate(fs, options,
                            [&](int64_t done, int64_t total) { progress.show(done, total); });
  }();
  if (!status) return fail(status.error());
  fmt::print("{} events, seed {}, in {}\nnext: adweave run -c {}/adweave.yaml --data DIR\n",
             options.events, options.seed, options.out, options.out);
  return kOk;
}

}  // namespace

void add_generate_command(Program& program) {
  auto options = std::make_shared<source::GeneratorOptions>();
  auto start = std::make_shared<std::string>();
  CLI::App* command =
      add_command(program, "generate",
                  "Makes seeded ad logs with known truth, and the mess that real ones have.",
                  {"adweave generate --events 100000 --seed 1 --out logs",
                   "adweave run -c logs/adweave.yaml --data DIR"});
  command->add_option("--events", options->events, "Distinct valid events")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 32))
      ->type_name("N");
  command->add_option("--seed", options->seed, "The same seed gives the same bytes")
      ->type_name("S");
  command->add_option("--out", options->out, "A new folder")->required()->type_name("DIR");
  command->add_option("--hours", options->hours, "Hours of traffic")
      ->check(CLI::Range(1, 24 * 365))
      ->type_name("H");
  command->add_option("--start", *start, "When they begin; 2023-11-01T00:00:00Z by default")
      ->type_name("TIME");
  command->callback([&program, options, start] {
    program.action = [&program, options, start] {
      return generate_command(program.fs, *options, *start);
    };
  });
}

}  // namespace adweave::app
