// SPDX-License-Identifier: Apache-2.0
// rejects replay, rejects fix: open rejects decoded again by a corrected configuration; fix does it
// on a copy made of links and shows what would change.
#include "engine/replay.h"

#include <iostream>

#include <fmt/format.h>

#include "app/command.h"
#include "app/config/registry_config.h"
#include "app/preview/linked_copy.h"
#include "app/terminal/terminal.h"
#include "base/money.h"
#include "query/report.h"

namespace adweave::app {

namespace {

struct ReplayOptions {
  std::string config;
  ReadOptions read;
  engine::RejectFilter filter;
};

const engine::RunHooks kHooks = {now_us, {}, {}};

query::QueryResult causes_table(const engine::ReplayReport& report) {
  query::QueryResult table;
  table.columns = {"source",   "reason",   "rejects",   "accepted", "duplicate",
                   "conflict", "rejected", "unchanged", "left",     "message"};
  for (const engine::ReplayedCause& cause : report.causes) {
    table.rows.push_back({cause.source, cause.reason, cause.rejects, cause.accepted,
                          cause.duplicate, cause.conflict, cause.rejected, cause.unchanged,
                          cause.left, cause.message});
  }
  return table;
}

std::string commits_of(const engine::ReplayReport& report, const std::string& data) {
  if (report.first_commit == 0) return "nothing to do: no open reject would change";
  return fmt::format("commits {} to {} in {}", report.first_commit, report.last_commit, data);
}

int replay_command(FileSystem& fs, const ReplayOptions& options) {
  engine::Job job;
  if (const int code = open_job(fs, options.config, options.read.data, job); code != kOk)
    return code;
  if (const Status opened = open_registries(fs, job); !opened) return fail(opened.error());
  const Result<engine::ReplayReport> report = engine::replay(fs, job, options.filter, kHooks);
  if (!report) return fail(report.error());
  print_rows(causes_table(*report), options.read);
  std::cerr << commits_of(*report, options.read.data) << '\n';
  return kOk;
}

constexpr const char* kCounts[] = {"impressions", "clicks", "conversions"};
constexpr const char* kMoney[] = {"spend", "revenue"};

// (metric, currency) -> value as it is shown.
using Kpis = std::map<std::pair<std::string, std::string>, std::string>;

Status add_kpis(const query::SqlEngine& sql, const query::ReportQuery& asked, Kpis& kpis) {
  ADWEAVE_ASSIGN(const query::Report report, query::run_report(sql, asked));
  const size_t first = asked.by.size();
  for (const auto& row : report.table.rows) {
    const std::string* currency = first == 0 ? nullptr : row[0].as_string();
    for (size_t i = first; i < row.size(); ++i) {
      if (row[i].is_null()) continue;
      const std::string* text = row[i].as_string();
      kpis[{report.table.columns[i], currency == nullptr ? "" : *currency}] =
          text == nullptr ? row[i].dump() : *text;
    }
  }
  return {};
}

Result<Kpis> kpis_of(const std::string& dir, const ledger::Ledger& ledger,
                     const std::string& linked = "") {
  ADWEAVE_ASSIGN(const query::SqlEngine sql,
                 query::SqlEngine::open(dir, ledger, ledger.head(), {.linked = linked}));
  Kpis kpis;
  query::ReportQuery counts;
  counts.metrics.assign(std::begin(kCounts), std::end(kCounts));
  ADWEAVE_TRY(add_kpis(sql, counts, kpis));
  query::ReportQuery money;
  money.by = {"currency"};
  money.metrics.assign(std::begin(kMoney), std::end(kMoney));
  ADWEAVE_TRY(add_kpis(sql, money, kpis));
  return kpis;
}

std::string difference(const std::string& before, const std::string& after) {
  const Int128 nanos = parse_nanos(after).value_or(0) - parse_nanos(before).value_or(0);
  std::string text = format_nanos(nanos);
  if (before.find('.') == std::string::npos && after.find('.') == std::string::npos)
    text.resize(text.find('.'));
  return nanos > 0 ? "+" + text : text;
}

query::QueryResult effect_table(Kpis before, Kpis after) {
  query::QueryResult table;
  table.columns = {"metric", "currency", "before", "after", "difference"};
  for (const auto& [key, value] : before) after.try_emplace(key, "0");
  const auto add = [&](std::string_view metric) {
    for (const auto& [key, value] : after) {
      if (key.first != metric) continue;
      const std::string was = before.contains(key) ? before.at(key) : "0";
      table.rows.push_back({key.first, key.second, was, value, difference(was, value)});
    }
  };
  for (const char* metric : kCounts) add(metric);
  for (const char* metric : kMoney) add(metric);
  return table;
}

JsonValue as_json(const query::QueryResult& table) {
  JsonValue::Array rows;
  for (const auto& row : table.rows) {
    JsonValue::Object object;
    for (size_t i = 0; i < row.size(); ++i) object.emplace_back(table.columns[i], row[i]);
    rows.emplace_back(std::move(object));
  }
  return rows;
}

struct Preview {
  query::QueryResult causes;
  query::QueryResult effect;
};

// Replays on a copy, so that all rules, attribution too, are those of a replay.
Result<Preview> preview(FileSystem& fs, engine::Job& job, const engine::RejectFilter& filter) {
  ADWEAVE_ASSIGN(const ledger::Ledger before, ledger::Ledger::open(fs, job.data));
  ADWEAVE_ASSIGN(const LinkedCopy copy, LinkedCopy::make(fs, job.data, before));
  ADWEAVE_ASSIGN(Kpis kpis_before, kpis_of(job.data, before));
  job.data = copy.folder();
  ADWEAVE_ASSIGN(const engine::ReplayReport report, engine::replay(fs, job, filter, kHooks, false));
  ADWEAVE_ASSIGN(const ledger::Ledger after, ledger::Ledger::open(fs, copy.folder()));
  ADWEAVE_ASSIGN(Kpis kpis_after, kpis_of(copy.folder(), after, copy.original()));
  return Preview{causes_table(report), effect_table(std::move(kpis_before), std::move(kpis_after))};
}

int fix_command(FileSystem& fs, const ReplayOptions& options) {
  engine::Job job;
  if (const int code = open_job(fs, options.config, options.read.data, job); code != kOk)
    return code;
  if (const Status opened = open_registries(fs, job); !opened) return fail(opened.error());
  // Who only looks asks no registry, and writes nothing.
  for (engine::SourceJob& source : job.sources) source.schemas = nullptr;
  const Result<Preview> result = preview(fs, job, options.filter);
  if (!result) return fail(result.error());
  if (options.read.format() == OutputFormat::table) {
    print_rows(result->causes, options.read);
    std::cout << '\n';
    print_rows(result->effect, options.read);
    std::cerr << "nothing was written; adweave rejects replay does it\n";
    return kOk;
  }
  std::cout << JsonValue(JsonValue::Object{{"causes", as_json(result->causes)},
                                           {"effect", as_json(result->effect)}})
                   .dump()
            << '\n';
  return kOk;
}

void add_one(Program& program, CLI::App& rejects, const char* name, const char* what,
             int (*run)(FileSystem&, const ReplayOptions&)) {
  auto options = std::make_shared<ReplayOptions>();
  CLI::App* command = rejects.add_subcommand(name, what);
  command->add_option("-c,--config", options->config, "The corrected configuration")
      ->required()
      ->type_name("FILE");
  options->read.add_to(*command, false);
  command->add_option("--reason", options->filter.reason, "Only of this reason")->type_name("NAME");
  command->add_option("--source", options->filter.source, "Only of this source")->type_name("NAME");
  command->callback([&program, options, run] {
    program.action = [&program, options, run] { return run(program.fs, *options); };
  });
}

}  // namespace

void add_replay_commands(Program& program, CLI::App& rejects) {
  add_one(program, rejects, "fix",
          "Shows what a replay by a corrected configuration would do, on rejects and on KPIs; "
          "writes nothing.",
          fix_command);
  add_one(program, rejects, "replay",
          "Decodes open rejects again by a corrected configuration and commits what is accepted, "
          "exactly once.",
          replay_command);
}

}  // namespace adweave::app
