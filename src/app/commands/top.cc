// SPDX-License-Identifier: Apache-2.0
// top: rates, lag and queues of a running server, live.
#include <chrono>
#include <iostream>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "app/command.h"
#include "app/control/control.h"
#include "app/control/server_sample.h"
#include "app/terminal/terminal.h"
#include "base/limits.h"

namespace adweave::app {

namespace {

struct TopOptions {
  std::string data;
  std::string output = "table";
  int64_t count = 0;  // 0: until it is stopped
  double every = static_cast<double>(limits::kTopEveryUs) / limits::kSecondUs;
};

Result<ServerSample> look(const std::string& data) {
  ADWEAVE_ASSIGN(const JsonValue status,
                 ask(data, {{"status", true}}, std::chrono::microseconds(limits::kLocalAnswerUs)));
  return sample_of(status, now_us());
}

void show(const TopOptions& options, const ServerSample& before, const ServerSample& now) {
  const bool on_terminal = isatty(STDOUT_FILENO) != 0;
  constexpr const char* kClear = "\x1b[H\x1b[2J";
  const OutputFormat format = *parse_output(options.output);
  const query::QueryResult rates = rates_of(before, now);
  if (format != OutputFormat::table) return write_result(std::cout, rates, format, 0);
  std::ostringstream text;
  text << state_text(before, now) << "\n\n";
  write_result(text, rates, format, output_width());
  for (const query::QueryResult& more : {lag_of(now), tails_of(now)}) {
    if (more.rows.empty()) continue;
    text << '\n';
    write_result(text, more, format, output_width());
  }
  std::cout << (on_terminal ? kClear : "") << text.str() << (on_terminal ? "" : "\n") << std::flush;
}

int top_command(const TopOptions& options) {
  stop_on_signals();
  Result<ServerSample> before = look(options.data);
  if (!before) return fail(before.error());
  for (int64_t shown = 0; options.count == 0 || shown < options.count; ++shown) {
    const auto wake =
        std::chrono::steady_clock::now() + std::chrono::duration<double>(options.every);
    while (!stop_asked() && std::chrono::steady_clock::now() < wake)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (stop_asked()) return kOk;
    Result<ServerSample> now = look(options.data);
    if (!now) return fail(now.error());
    show(options, *before, *now);
    before = std::move(now);
  }
  return kOk;
}

}  // namespace

void add_top_command(Program& program) {
  auto options = std::make_shared<TopOptions>();
  CLI::App* command =
      add_command(program, "top", "Shows the rates, lag and queues of a running server, live.",
                  {"adweave top --data DIR", "adweave top --data DIR --count 1 --output ndjson"});
  command->add_option("--data", options->data, "The data folder")->required()->type_name("DIR");
  add_output_option(*command, options->output);
  command->add_option("--every", options->every, "Seconds between looks; 1 by default")
      ->check(CLI::Range(0.1, 3600.0))
      ->type_name("SECONDS");
  command->add_option("--count", options->count, "End after so many looks")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  command->callback(
      [&program, options] { program.action = [options] { return top_command(*options); }; });
}

}  // namespace adweave::app
