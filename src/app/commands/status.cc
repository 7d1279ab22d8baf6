// SPDX-License-Identifier: Apache-2.0
// status: where a data folder stands.
#include <iostream>

#include <fmt/format.h>

#include "app/command.h"
#include "base/limits.h"
#include "base/time.h"
#include "engine/publish_delta.h"
#include "ledger/days.h"
#include "query/warehouse.h"

namespace adweave::app {

namespace {

struct Warehouse {
  bool exists = false;
  int64_t commit = 0;
  std::string damage;  // why it cannot be used
};

struct StatusOf {
  ledger::Ledger ledger;
  engine::DeltaLag delta;
  Warehouse warehouse;
  int64_t open_rejects = 0;
};

Result<int64_t> count_open_rejects(const std::string& data, const ledger::Ledger& ledger) {
  if (ledger.live_files("rejects", ledger.head()).empty()) return 0;
  ADWEAVE_ASSIGN(const query::SqlEngine sql, query::SqlEngine::open(data, ledger, ledger.head()));
  ADWEAVE_ASSIGN(
      const query::QueryResult result,
      sql.query("SELECT count(*) FROM current_rejects WHERE state = 'open' AND outcome = "
                "'rejected'"));
  return *result.rows.at(0).at(0).as_int();
}

Result<StatusOf> status_of(const FileSystem& fs, const std::string& data) {
  StatusOf status;
  ADWEAVE_ASSIGN(status.ledger, ledger::Ledger::open(fs, data));
  status.delta = engine::delta_lag(fs, data, status.ledger);
  status.warehouse.exists = fs.exists(query::warehouse_path(data));
  if (status.warehouse.exists) {
    const Result<int64_t> commit = query::warehouse_commit(data, status.ledger);
    if (commit) {
      status.warehouse.commit = *commit;
    } else {
      status.warehouse.damage = commit.error().message;
    }
  }
  ADWEAVE_ASSIGN(status.open_rejects, count_open_rejects(data, status.ledger));
  return status;
}

std::string commit_text(const ledger::Ledger& ledger) {
  if (ledger.head() == 0) return "none yet";
  const ledger::Summary& newest = ledger.summary();
  return fmt::format("{} ({}) of {}", newest.head, newest.kind, format_time(newest.committed_at));
}

std::string pending_text(const std::vector<ledger::LakeDay>& days) {
  int64_t rows = 0;
  int64_t pending = 0;
  for (const ledger::LakeDay& day : days) {
    rows += day.rows;
    pending += day.pending;
  }
  return fmt::format("{} rows, {} of them in no sealed file", rows, pending);
}

std::string delta_text(const engine::DeltaLag& delta) {
  if (!delta.damage.empty())
    return "damaged: " + delta.damage.front().message + "; adweave repair mends it";
  if (delta.behind.empty()) return "says what the ledger says";
  return fmt::format("behind: {}; the next run brings them up", fmt::join(delta.behind, ", "));
}

std::string warehouse_text(const StatusOf& status) {
  if (!status.warehouse.exists) return "none";
  if (!status.warehouse.damage.empty()) return "not used: " + status.warehouse.damage;
  const int64_t missing = status.ledger.head() - status.warehouse.commit;
  return fmt::format("as of commit {}{}", status.warehouse.commit,
                     missing == 0 ? "" : fmt::format(", {} behind", missing));
}

void print_summary(const StatusOf& status, const std::vector<ledger::LakeDay>& days) {
  const ledger::Ledger& ledger = status.ledger;
  const auto say = [](std::string_view name, const std::string& text) {
    fmt::print("{:<14}  {}\n", name, text);
  };
  say("ledger", ledger.ledger_id());
  say("newest commit", commit_text(ledger));
  say("retention", ledger.retention() ? fmt::format("days before {} are gone since commit {}",
                                                    format_date(ledger.retention()->from),
                                                    ledger.retention()->commit)
                                      : "every day is kept");
  const auto open_from = ledger.closed_through();
  say("closed through", open_from ? format_date(*open_from - limits::kDayUs) : "every day is open");
  say("lake", pending_text(days));
  say("delta", delta_text(status.delta));
  say("warehouse", warehouse_text(status));
  say("open rejects", std::to_string(status.open_rejects));
  fmt::print("\n");
  std::fflush(stdout);
}

query::QueryResult day_rows(const std::vector<ledger::LakeDay>& days, bool by_table) {
  query::QueryResult result;
  result.columns = {"day", "files", "sealed", "rows", "pending", "mb", "complete_through"};
  if (by_table) result.columns.insert(result.columns.begin() + 1, "table");
  for (const ledger::LakeDay& day : days) {
    std::vector<JsonValue>& row = result.rows.emplace_back();
    row.emplace_back(day.date);
    if (by_table) row.emplace_back(day.table);
    for (const int64_t number : {day.files, day.sealed, day.rows, day.pending})
      row.emplace_back(number);
    row.emplace_back(static_cast<double>(day.bytes) / 1e6);
    row.push_back(day.complete_through ? JsonValue(*day.complete_through) : JsonValue());
  }
  return result;
}

// The summary as members of one object, the days as its last.
JsonValue status_json(const StatusOf& status, const query::QueryResult& days) {
  const ledger::Ledger& ledger = status.ledger;
  const auto date = [](std::optional<int64_t> time) {
    return time ? JsonValue(format_date(*time)) : JsonValue();
  };
  JsonValue::Array behind;
  for (const std::string& table : status.delta.behind) behind.emplace_back(table);
  JsonValue::Array damage;
  for (const Error& error : status.delta.damage) damage.emplace_back(error.message);
  JsonValue::Array rows;
  for (const auto& values : days.rows) {
    JsonValue::Object row;
    for (size_t i = 0; i < values.size(); ++i) row.emplace_back(days.columns[i], values[i]);
    rows.emplace_back(std::move(row));
  }
  const bool has_warehouse = status.warehouse.exists && status.warehouse.damage.empty();
  const auto closed = ledger.closed_through();
  return JsonValue::Object{
      {"ledger_id", ledger.ledger_id()},
      {"commit", ledger.head()},
      {"committed_at",
       ledger.head() == 0 ? JsonValue() : JsonValue(format_time(ledger.summary().committed_at))},
      {"retained_from",
       date(ledger.retention() ? std::optional(ledger.retention()->from) : std::nullopt)},
      {"closed_through", date(closed ? std::optional(*closed - limits::kDayUs) : std::nullopt)},
      {"delta_behind", std::move(behind)},
      {"delta_damage", std::move(damage)},
      {"warehouse_commit", has_warehouse ? JsonValue(status.warehouse.commit) : JsonValue()},
      {"open_rejects", status.open_rejects},
      {"days", std::move(rows)}};
}

int status_command(const FileSystem& fs, const ReadOptions& options, bool by_table) {
  const Result<StatusOf> status = status_of(fs, options.data);
  if (!status) return fail(status.error());
  const std::vector<ledger::LakeDay> days = ledger::lake_days(status->ledger, by_table);
  const query::QueryResult rows = day_rows(days, by_table);
  if (options.format() == OutputFormat::json) {
    std::cout << status_json(*status, rows).dump() << '\n';
    return kOk;
  }
  if (options.format() == OutputFormat::table) print_summary(*status, days);
  print_rows(rows, options);
  return kOk;
}

}  // namespace

void add_status_command(Program& program) {
  auto options = std::make_shared<ReadOptions>();
  auto by = std::make_shared<std::string>("day");
  CLI::App* command = add_command(
      program, "status", "Shows where a data folder stands: commits, days, what is pending.",
      {"adweave status --data DIR", "adweave status --data DIR --by table",
       "adweave status --data DIR --output json     # all of it; csv and ndjson have the days"});
  options->add_to(*command, false);
  command->add_option("--by", *by, "A row a day, or for each table of a day: day, table")
      ->check(CLI::IsMember({"day", "table"}))
      ->type_name("WHAT");
  command->callback([&program, options, by] {
    program.action = [&program, options, by] {
      return status_command(program.fs, *options, *by == "table");
    };
  });
}

}  // namespace adweave::app
