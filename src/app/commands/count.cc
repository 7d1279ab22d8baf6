// SPDX-License-Identifier: Apache-2.0
// Counts of what is in the configured files, straight from them.
#include "engine/count.h"

#include <algorithm>
#include <iostream>

#include <fmt/format.h>

#include "app/command.h"
#include "app/config/config.h"
#include "app/terminal/terminal.h"
#include "base/limits.h"
#include "base/time.h"
#include "query/report.h"

namespace adweave::app {

namespace {

struct CountOptions {
  std::string config;
  std::vector<std::string> by;
  int64_t window_us = 0;
  int threads = 0;
  std::string output = "table";
};

std::vector<std::string> countable_fields() {
  std::vector<std::string> names;
  for (const event::FieldInfo& field : event::all_fields()) {
    if (field.type == event::Type::Dict) names.emplace_back(field.name);
  }
  return names;
}

Result<process::CountBy> count_by(const CountOptions& options) {
  const std::vector<std::string> known = countable_fields();
  process::CountBy by{{}, options.window_us};
  for (const std::string& name : options.by) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const std::string meant = query::closest_name(name, known);
      return Error{ErrorCode::usage, "events cannot be counted by '" + name + "'",
                   meant.empty() ? "fields of type dict in docs/reference/fields.md"
                                 : "did you mean '" + meant + "'?"};
    }
    by.fields.push_back(*event::parse_field(name));
  }
  return by;
}

query::QueryResult table_of(const process::EventCounts& counts, const CountOptions& options) {
  query::QueryResult table;
  if (options.window_us > 0) table.columns.emplace_back("window");
  table.columns.emplace_back("kind");
  table.columns.insert(table.columns.end(), options.by.begin(), options.by.end());
  table.columns.emplace_back("events");
  for (const auto& [group, events] : counts) {
    std::vector<JsonValue> row;
    if (options.window_us > 0) row.emplace_back(format_time(group.window));
    row.emplace_back(event::kind_name(group.kind));
    for (const auto& value : group.values) row.push_back(value ? JsonValue(*value) : JsonValue());
    row.emplace_back(events);
    table.rows.push_back(std::move(row));
  }
  return table;
}

void note_rejects(const engine::CountReport& report) {
  if (report.rejects.empty()) return;
  std::string list;
  for (const auto& [reason, count] : report.rejects)
    list += fmt::format("{}{} {}", list.empty() ? "" : ", ", count, event::reason_name(reason));
  std::cerr << fmt::format("note: of {} records are rejected: {}\n", report.records_read, list);
}

int count_command(FileSystem& fs, const CountOptions& options) {
  engine::Job job;
  if (const int code = open_job(fs, options.config, "", job); code != kOk) return code;
  job.threads = thread_count(options.threads);
  const Result<process::CountBy> by = count_by(options);
  if (!by) return fail(by.error());
  const Result<engine::CountReport> report = [&] {
    ProgressBar progress("count");
    return engine::count(fs, job, *by,
                         [&](int64_t done, int64_t total) { progress.show(done, total); });
  }();
  if (!report) return fail(report.error());
  write_result(std::cout, table_of(report->events, options), *parse_output(options.output),
               output_width());
  std::cout.flush();
  note_rejects(*report);
  return kOk;
}

}  // namespace

void add_count_command(Program& program) {
  auto options = std::make_shared<CountOptions>();
  CLI::App* command =
      add_command(program, "count",
                  "Counts the events in the configured files: nothing is stored, repeats count.",
                  {"adweave count -c adweave.yaml",
                   "adweave count -c adweave.yaml --by campaign_id --window 10s",
                   "adweave count -c adweave.yaml --by website,part_of_day --output csv"});
  add_config_option(*command, options->config);
  command->add_option("--by", options->by, "Fields of type dict, separated by commas")
      ->delimiter(',')
      ->type_name("NAMES");
  command->add_option("--window", options->window_us, "Windows of event time: 10s, 5m, 1h, 1d")
      ->transform(CLI::AsNumberWithUnit(duration_units(), CLI::AsNumberWithUnit::UNIT_REQUIRED))
      ->check(CLI::PositiveNumber)
      ->type_name("TIME");
  add_threads_option(*command, options->threads, "Threads that decode and count");
  add_output_option(*command, options->output);
  command->callback([&program, options] {
    program.action = [&program, options] { return count_command(program.fs, *options); };
  });
}

}  // namespace adweave::app
