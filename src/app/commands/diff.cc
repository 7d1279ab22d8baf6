// SPDX-License-Identifier: Apache-2.0
#include "query/diff.h"

#include <algorithm>
#include <iostream>

#include "app/command.h"

namespace adweave::app {

namespace {

struct DiffOptions {
  ReadOptions read;
  query::DiffQuery query;
};

bool is_zero(const JsonValue& value) {
  const std::string text = value.as_string() != nullptr ? *value.as_string() : value.dump();
  return text.find_first_of("123456789") == std::string::npos;
}

// For people: causes that explain nothing are left out.
void drop_idle_causes(query::QueryResult& result) {
  for (const query::DiffCause& cause : query::diff_causes()) {
    const auto column = std::find(result.columns.begin(), result.columns.end(), cause.name);
    const auto at = column - result.columns.begin();
    const bool idle = std::all_of(result.rows.begin(), result.rows.end(), [&](const auto& row) {
      return is_zero(row[static_cast<size_t>(at)]);
    });
    if (!idle) continue;
    result.columns.erase(column);
    for (auto& row : result.rows) row.erase(row.begin() + at);
  }
}

int diff_command(FileSystem& fs, const DiffOptions& options) {
  const Result<ledger::Ledger> ledger = ledger::Ledger::open(fs, options.read.data);
  if (!ledger) return fail(ledger.error());
  Result<query::Report> result = query::diff(options.read.data, *ledger, options.query);
  if (!result) return fail({ErrorCode::usage, result.error().message, result.error().fix});
  if (options.read.format() == OutputFormat::table) drop_idle_causes(result->table);
  print_rows(result->table, options.read);
  for (const std::string& note : result->notes) std::cerr << "note: " << note << '\n';
  return kOk;
}

std::string footer() {
  std::string text = "Causes:\n";
  for (const query::DiffCause& cause : query::diff_causes())
    text.append("  ").append(cause.name).append(": ").append(cause.description).append("\n");
  return text;
}

}  // namespace

void add_diff_command(Program& program) {
  auto options = std::make_shared<DiffOptions>();
  CLI::App* command = add_command(
      program, "diff", "Explains by cause how KPIs differ between two commits.",
      {"adweave diff --data DIR 12 15", "adweave diff --data DIR 12 15 --by campaign_id,day",
       "adweave diff --data DIR 0 15 --metrics clicks,spend --output json"});
  options->read.add_to(*command, false);
  command->add_option("before", options->query.before, "The first commit; 0 is the empty ledger")
      ->required()
      ->check(CLI::NonNegativeNumber)
      ->type_name("COMMIT");
  command->add_option("after", options->query.after, "The second commit")
      ->required()
      ->check(CLI::PositiveNumber)
      ->type_name("COMMIT");
  command->add_option("--by", options->query.by, "Dimensions, separated by commas")
      ->delimiter(',')
      ->type_name("NAMES");
  command->add_option("--metrics", options->query.metrics, "Additive metrics, separated by commas")
      ->delimiter(',')
      ->type_name("NAMES");
  command->add_option("--zone", options->query.zone, "Time zone of day, hour and the like")
      ->type_name("ZONE");
  command->footer(footer());
  command->callback([&program, options] {
    program.action = [&program, options] { return diff_command(program.fs, *options); };
  });
}

}  // namespace adweave::app
