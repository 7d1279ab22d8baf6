// SPDX-License-Identifier: Apache-2.0
// pause, resume: a source takes and reads nothing for a while.
#include <iostream>

#include "app/command.h"
#include "app/control/control.h"

namespace adweave::app {

namespace {

struct PauseOptions {
  std::string data;
  std::string source;
};

// With no server, by whoever has the folder's lock: a server that starts later finds it so.
Result<std::string> set_in_folder(FileSystem& fs, const PauseOptions& options, bool pause) {
  ADWEAVE_ASSIGN(const auto sources, source::PausedSources::open(fs, options.data));
  return set_paused(*sources, options.source, pause);
}

Result<std::string> ask_server(const PauseOptions& options, bool pause, const Error& why) {
  const Result<JsonValue> answer = ask(options.data, {{pause ? "pause" : "resume", options.source}},
                                       std::chrono::microseconds(limits::kLocalAnswerUs));
  if (!answer && answer.error().code == ErrorCode::not_found) return why;
  if (!answer) return answer.error();
  return answer->string_at("text");
}

int pause_command(FileSystem& fs, const PauseOptions& options, bool pause) {
  const Result<ledger::LedgerWriter> writer = open_writer(fs, options.data);
  if (!writer && writer.error().code != ErrorCode::locked) return fail(writer.error());
  const Result<std::string> text =
      writer ? set_in_folder(fs, options, pause) : ask_server(options, pause, writer.error());
  if (!text) return fail(text.error());
  std::cout << *text;
  return kOk;
}

void add(Program& program, bool pause) {
  auto options = std::make_shared<PauseOptions>();
  const std::string name = pause ? "pause" : "resume";
  CLI::App* command = add_command(
      program, name,
      pause ? "Lets a source take and read nothing until it is resumed; also after a restart."
            : "Lets a paused source go on where it stood.",
      {"adweave " + name + " clicks --data DIR"});
  command->add_option("source", options->source, "Its name in the configuration")
      ->required()
      ->type_name("SOURCE");
  command->add_option("--data", options->data, "The data folder")->required()->type_name("DIR");
  command->callback([&program, options, pause] {
    program.action = [&program, options, pause] {
      return pause_command(program.fs, *options, pause);
    };
  });
}

}  // namespace

void add_pause_commands(Program& program) {
  add(program, true);
  add(program, false);
}

}  // namespace adweave::app
