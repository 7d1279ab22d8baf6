// SPDX-License-Identifier: Apache-2.0
#include "app/control/upkeep.h"

#include <iostream>
#include <optional>

#include <fmt/format.h>

#include "app/command.h"
#include "app/control/control.h"
#include "app/terminal/terminal.h"
#include "base/limits.h"
#include "base/time.h"
#include "engine/publish_delta.h"
#include "engine/retention.h"
#include "engine/seal.h"
#include "engine/vacuum.h"

namespace adweave::app {

namespace {

double megabytes(int64_t bytes) {
  return static_cast<double>(bytes) / 1e6;
}

Result<std::string> merge_text(const Result<std::vector<engine::MergedDay>>& days,
                               const std::string& name, const char* done_word) {
  if (!days) return days.error();
  std::string text;
  for (const engine::MergedDay& day : *days) {
    text += fmt::format("{}: {} rows, {} files of {:.1f} MB {} as {} of {:.1f} MB by commit {}\n",
                        day.date, day.rows, day.files_before, megabytes(day.bytes_before),
                        done_word, day.files, megabytes(day.bytes), day.commit);
  }
  return text.empty() ? "nothing to " + name + "\n" : text;
}

Result<std::string> vacuum_text(FileSystem& fs, ledger::LedgerWriter& writer,
                                const Upkeep& upkeep) {
  ADWEAVE_ASSIGN(
      const engine::Vacuumed report,
      engine::vacuum(fs, writer, upkeep.grace_days * limits::kDayUs, now_us(), upkeep.dry_run));
  return fmt::format("{} replaced files, {:.1f} MB, {}; {} were replaced less than {} days ago\n",
                     report.files, megabytes(report.bytes),
                     upkeep.dry_run ? "would be removed" : "removed", report.files_left,
                     upkeep.grace_days);
}

Result<std::string> close_text(ledger::LedgerWriter& writer, const Upkeep& upkeep) {
  ADWEAVE_ASSIGN(const bool is_new, engine::close_days(writer, upkeep.open_from, now_us()));
  const std::string last = format_date(upkeep.open_from - limits::kDayUs);
  if (!is_new) return fmt::format("nothing to do: closed through {} already\n", last);
  return fmt::format("closed through {}: what changes later is booked from {} on\n", last,
                     format_date(upkeep.open_from));
}

// After these the ledger is as it was; after any other the writer must not go on.
bool is_harmless(ErrorCode code) {
  return code == ErrorCode::usage || code == ErrorCode::corrupt;
}

// Work whose harmless failures are told and do not end the server.
template <class T>
Result<T> ask_live(engine::Live& live,
                   const std::function<Result<T>(ledger::LedgerWriter& writer)>& work) {
  std::optional<Result<T>> result;
  ADWEAVE_TRY(live.ask([&](ledger::LedgerWriter& writer) {
    result = work(writer);
    const bool goes_on = result->has_value() || is_harmless(result->error().code);
    return goes_on ? Status() : Status(result->error());
  }));
  return *std::move(result);
}

// None: no server has the folder, `why` stands.
Result<std::string> ask_server(const std::string& data, const Upkeep& upkeep, const Error& why) {
  Result<JsonValue> answer = ask(data, {{"upkeep", to_json(upkeep)}}, std::chrono::microseconds(0));
  if (!answer && answer.error().code == ErrorCode::not_found) return why;
  if (!answer) return answer.error();
  return answer->string_at("text");
}

}  // namespace

JsonValue to_json(const Upkeep& upkeep) {
  return JsonValue::Object{{"command", upkeep.command}, {"all", upkeep.all},
                           {"threads", upkeep.threads}, {"grace_days", upkeep.grace_days},
                           {"dry_run", upkeep.dry_run}, {"open_from", upkeep.open_from}};
}

Result<Upkeep> upkeep_from_json(const JsonValue& json) {
  Upkeep upkeep;
  ADWEAVE_ASSIGN(upkeep.command, json.string_at("command"));
  ADWEAVE_ASSIGN(upkeep.threads, json.int_at("threads"));
  ADWEAVE_ASSIGN(upkeep.grace_days, json.int_at("grace_days"));
  ADWEAVE_ASSIGN(upkeep.open_from, json.int_at("open_from"));
  const auto truth = [&](const char* name) {
    const JsonValue* value = json.find(name);
    return value != nullptr && value->as_bool() != nullptr && *value->as_bool();
  };
  upkeep.all = truth("all");
  upkeep.dry_run = truth("dry_run");
  return upkeep;
}

Result<std::string> do_upkeep(FileSystem& fs, ledger::LedgerWriter& writer, const Upkeep& upkeep,
                              const Progress& progress) {
  const engine::UpkeepOptions options{static_cast<int>(upkeep.threads), now_us, progress};
  if (upkeep.command == "seal")
    return merge_text(engine::seal(fs, writer, upkeep.all, options), "seal", "sealed");
  if (upkeep.command == "compact")
    return merge_text(engine::compact(fs, writer, options), "compact", "merged");
  if (upkeep.command == "vacuum") return vacuum_text(fs, writer, upkeep);
  if (upkeep.command == "close") return close_text(writer, upkeep);
  return Error{ErrorCode::usage, "there is no command '" + upkeep.command + "' for a server",
               "use a client of the server's version"};
}

Result<std::string> do_upkeep(FileSystem& fs, engine::Live& live, engine::BackgroundMerge& merge,
                              const Upkeep& upkeep) {
  const bool seals = upkeep.command == "seal";
  if (!seals && upkeep.command != "compact") {
    return ask_live<std::string>(
        live, [&](ledger::LedgerWriter& writer) { return do_upkeep(fs, writer, upkeep, {}); });
  }
  const int threads = static_cast<int>(upkeep.threads);
  const auto days = seals ? merge.seal(upkeep.all, threads) : merge.compact(threads);
  // Those before a failure too.
  using Published = std::vector<engine::PublishedTable>;
  ADWEAVE_TRY(ask_live<Published>(live, [&](ledger::LedgerWriter& writer) {
    return engine::publish_delta(fs, writer.options().dir, writer.ledger(), now_us());
  }));
  return merge_text(days, upkeep.command, seals ? "sealed" : "merged");
}

int upkeep_command(FileSystem& fs, const std::string& data, const Upkeep& upkeep) {
  Result<ledger::LedgerWriter> writer = open_writer(fs, data);
  if (!writer && writer.error().code != ErrorCode::locked) return fail(writer.error());
  const Result<std::string> text = [&] {
    if (!writer) return ask_server(data, upkeep, writer.error());
    ProgressBar bar(upkeep.command);
    return do_upkeep(fs, *writer, upkeep,
                     [&](int64_t done, int64_t total) { bar.show(done, total); });
  }();
  if (!text) return fail(text.error());
  std::cout << *text;
  return kOk;
}

}  // namespace adweave::app
