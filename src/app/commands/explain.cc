// SPDX-License-Identifier: Apache-2.0
#include "query/explain.h"

#include <fmt/format.h>

#include "app/command.h"

namespace adweave::app {

namespace {

std::string text_of(const JsonValue& value) {
  if (const std::string* text = value.as_string()) return *text;
  return value.is_null() ? "" : value.dump();
}

// Events under headings, a sentence a line.
void print_life(const query::QueryResult& life) {
  std::string heading;
  for (const auto& row : life.rows) {
    const std::string id = text_of(row[2]);
    const std::string advertiser = text_of(row[1]);
    const std::string title = text_of(row[0]) + (id.empty() ? "" : " " + id) +
                              (advertiser.empty() ? ", not taken" : " of advertiser " + advertiser);
    if (title != heading) fmt::print("{}{}\n", heading.empty() ? "" : "\n", title);
    heading = title;
    const std::string commit = row[4].is_null() ? "" : "commit " + text_of(row[4]);
    fmt::print("  {:<10}  {:<11}  {}\n", text_of(row[3]), commit, text_of(row[5]));
  }
}

int explain_command(FileSystem& fs, const ReadOptions& options, const std::string& id) {
  const Result<query::SqlEngine> sql = open_sql(fs, options);
  if (!sql) return fail(sql.error());
  const Result<query::QueryResult> life = query::explain(*sql, id);
  if (!life) return fail(life.error());
  if (options.format() == OutputFormat::table) {
    print_life(*life);
  } else {
    print_rows(*life, options);
  }
  return kOk;
}

}  // namespace

void add_explain_command(Program& program) {
  auto options = std::make_shared<ReadOptions>();
  auto id = std::make_shared<std::string>();
  CLI::App* command = add_command(
      program, "explain",
      "Tells an event's life: origin, rules, repeats, join, touches, credits, KPI cells.",
      {"adweave explain --data DIR click-17", "adweave explain --data DIR clicks.csv:1234",
       "adweave explain --data DIR order-9 --as-of 12 --output json"});
  options->add_to(*command);
  command->add_option("id", *id, "Its event_id, or where it was in its source (file:offset)")
      ->required()
      ->type_name("ID");
  command->callback([&program, options, id] {
    program.action = [&program, options, id] { return explain_command(program.fs, *options, *id); };
  });
}

}  // namespace adweave::app
