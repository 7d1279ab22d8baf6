// SPDX-License-Identifier: Apache-2.0
// tap: rows and commits as they pass.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <thread>

#include <fmt/format.h>

#include "app/command.h"
#include "app/terminal/terminal.h"
#include "base/limits.h"
#include "base/time.h"
#include "event/schema.h"
#include "query/sql_engine.h"

namespace adweave::app {

namespace {

constexpr const char* kCommits = "commits";

struct TapOptions {
  std::string data;
  std::string what = kCommits;
  std::string where;
  std::string columns = "*";
  int64_t rows = limits::kTapRowsMax;
  int64_t since = -1;  // the newest commit
  int64_t count = 0;   // 0: until it is stopped
};

std::vector<std::string> selectors() {
  std::vector<std::string> names = {kCommits};
  for (const event::TableInfo& table : event::all_tables()) names.emplace_back(table.name);
  return names;
}

std::string commit_line(const ledger::CommitRecord& record) {
  ledger::Counts sum;
  for (const ledger::Counts& counts : record.counts) sum.add(counts);
  return JsonValue(JsonValue::Object{{"commit", record.number},
                                     {"kind", record.kind},
                                     {"committed_at", format_time(record.committed_at)},
                                     {"received", sum.received()},
                                     {"accepted", sum.accepted},
                                     {"duplicate", sum.duplicate},
                                     {"conflict", sum.conflict},
                                     {"rejected", sum.rejected},
                                     {"files", static_cast<int64_t>(record.added.size())}})
      .dump();
}

// Follows a ledger.
class Tap {
 public:
  Tap(const TapOptions& options, ledger::Ledger ledger)
      : options_(options),
        ledger_(std::move(ledger)),
        seen_(options.since >= 0 ? options.since : ledger_.head()) {}

  // What has come since the last call.
  Status show_new() {
    ADWEAVE_TRY(ledger_.reload());
    const int64_t from = seen_ + 1;
    seen_ = std::max(seen_, ledger_.head());
    if (from > ledger_.head()) return {};
    return options_.what == kCommits ? show_commits(from) : show_rows(from);
  }

  bool has_enough() const { return options_.count > 0 && shown_ >= options_.count; }

 private:
  Status show_commits(int64_t from) {
    ADWEAVE_TRY(ledger_.visit_records(from, ledger_.head(), [&](const auto& record) {
      if (!has_enough()) std::cout << commit_line(record) << '\n';
      ++shown_;
      return Status();
    }));
    std::cout << std::flush;
    return {};
  }

  Status show_rows(int64_t from) {
    if (ledger_.live_files(options_.what, ledger_.head()).empty()) return {};
    ADWEAVE_ASSIGN(const query::SqlEngine sql,
                   query::SqlEngine::open(options_.data, ledger_, ledger_.head()));
    const std::string where = options_.where.empty() ? "" : " AND (" + options_.where + ")";
    const int64_t most =
        options_.count > 0 ? std::min(options_.rows, options_.count - shown_) : options_.rows;
    ADWEAVE_ASSIGN(
        const query::QueryResult result,
        sql.query(fmt::format("SELECT {} FROM {} WHERE \"commit\" BETWEEN {} AND {}{} LIMIT {}",
                              options_.columns, options_.what, from, ledger_.head(), where, most)));
    shown_ += static_cast<int64_t>(result.rows.size());
    write_result(std::cout, result, OutputFormat::ndjson, 0);
    std::cout << std::flush;
    return {};
  }

  const TapOptions& options_;
  ledger::Ledger ledger_;
  int64_t seen_;
  int64_t shown_ = 0;
};

int tap_command(const FileSystem& fs, const TapOptions& options) {
  Result<ledger::Ledger> ledger = ledger::Ledger::open(fs, options.data);
  if (!ledger) return fail(ledger.error());
  stop_on_signals();
  Tap tap(options, *std::move(ledger));
  while (!stop_asked()) {
    if (const Status shown = tap.show_new(); !shown) return fail(shown.error());
    if (tap.has_enough() || !std::cout) return kOk;
    std::this_thread::sleep_for(std::chrono::microseconds(limits::kTapEveryUs));
  }
  return kOk;
}

}  // namespace

void add_tap_command(Program& program) {
  auto options = std::make_shared<TapOptions>();
  CLI::App* command =
      add_command(program, "tap", "Shows commits, or samples of the rows they bring, as they pass.",
                  {"adweave tap --data DIR                      # a line of JSON for each commit",
                   "adweave tap clicks --data DIR --columns event_id,campaign_id",
                   "adweave tap rejects --data DIR --where \"source = 'bids'\" --rows 3"});
  command
      ->add_option("selector", options->what,
                   "commits (default), or a table: impressions, clicks, rejects, ...")
      ->check(CLI::IsMember(selectors()))
      ->type_name("SELECTOR");
  command->add_option("--data", options->data, "The data folder")->required()->type_name("DIR");
  command->add_option("--columns", options->columns, "What to show of a row; all by default")
      ->type_name("LIST");
  command->add_option("--where", options->where, "Only rows for which this holds")
      ->type_name("SQL");
  command->add_option("--rows", options->rows, "Rows of a look, at most; 10 by default")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  command->add_option("--since", options->since, "Begin after commit N; the newest by default")
      ->check(CLI::NonNegativeNumber)
      ->type_name("N");
  command->add_option("--count", options->count, "End after so many lines")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  command->callback([&program, options] {
    program.action = [&program, options] { return tap_command(program.fs, *options); };
  });
}

}  // namespace adweave::app
