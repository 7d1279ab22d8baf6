// SPDX-License-Identifier: Apache-2.0
// Reference pages written from the program's own tables, so that they cannot differ from it.
#include <fmt/format.h>

#include "app/command.h"
#include "event/reject.h"
#include "query/dimensions.h"
#include "query/metrics.h"

namespace adweave::app {

namespace {

constexpr const char* kGenerated = "<!-- Made by `adweave docs`; do not edit. -->\n\n";

std::string kinds_of(const event::FieldInfo& field) {
  std::string names;
  for (const event::Kind kind : event::kAllKinds) {
    if (!field.in(kind)) continue;
    names += names.empty() ? "" : ", ";
    names += event::table_name(kind);
    if (field.required_in(kind)) names += "*";
  }
  return names;
}

std::string_view origin_name(event::Origin origin) {
  switch (origin) {
    case event::Origin::Mapped:
      return "mapping";
    case event::Origin::Enriched:
      return "enrichment";
    case event::Origin::Transport:
      return "transport";
  }
  return "";
}

std::string fields_page() {
  std::string page = std::string("# Fields\n\n") + kGenerated +
                     "Fields of the event tables. A star: never null in that table. Filled by: a "
                     "mapping may name it, "
                     "enrichment computes it, or transport tells where and when it came in.\n\n"
                     "| field | type | filled by | tables | meaning |\n|---|---|---|---|---|\n";
  for (const event::FieldInfo& field : event::all_fields()) {
    page += fmt::format("| `{}` | {} | {} | {} | {} |\n", field.name, event::type_name(field.type),
                        origin_name(field.origin), kinds_of(field), field.description);
  }
  page +=
      "\nMoney is DECIMAL(18,9) of the row's currency, sums are DECIMAL(38,9); times are "
      "microseconds UTC.\n";
  for (const event::TableInfo& table : event::all_tables()) {
    if (table.kind) continue;
    page += fmt::format("\n## {}\n\n| column | type | meaning |\n|---|---|---|\n", table.name);
    for (const event::ColumnInfo& column : table.columns) {
      page += fmt::format("| `{}`{} | {} | {} |\n", column.name, column.required ? "*" : "",
                          event::type_name(column.type), column.description);
    }
  }
  return page;
}

std::string metrics_page() {
  std::string page = std::string("# Metrics and dimensions\n\n") + kGenerated +
                     "A ratio with an empty denominator is null. Ratios are computed from summed "
                     "parts, never averaged.\n\n"
                     "| metric | kind | unit | formula | meaning |\n|---|---|---|---|---|\n";
  for (const query::Metric& metric : query::all_metrics()) {
    page += fmt::format("| `{}` | {} | {} | {} | {} |\n", metric.name,
                        query::metric_kind_name(metric.kind), query::unit_name(metric.unit),
                        metric.formula, metric.description);
  }
  page += "\nDimensions for `--by`:";
  for (const std::string& name : query::report_dimensions()) page += " `" + name + "`";
  return page +
         "\n\nNames, and any other column of a dimension file as `campaign.<column>` "
         "(`advertiser.`, "
         "`ad_group.`, `creative.`), are those that were valid at the event's time, in the newest "
         "version of the file as of the commit.\n";
}

std::string rejects_page() {
  std::string page = std::string("# Why a record is rejected\n\n") + kGenerated +
                     "Reasons in the table `rejects`:\n\n";
  for (int i = 0; i <= static_cast<int>(event::Reason::unread_value); ++i) {
    const auto reason = static_cast<event::Reason>(i);
    page += fmt::format("- `{}`: {}\n", event::reason_name(reason), event::reason_text(reason));
  }
  return page +
         "- `conflict`: it has the identity of an accepted event and other content (outcome "
         "`conflict`)\n\n"
         "A row with sign -1 takes an earlier one back (its `raw` is empty); the view "
         "`current_rejects` shows what holds now. States: `open`; `replayed`: decoded again, "
         "`message` says what became of it; `dropped`: the configuration sees no record there any "
         "more.\n";
}

// What `-h` prints for a command and those below it.
void add_help(std::string& page, const CLI::App& command, const std::string& above) {
  const std::string name = above + " " + command.get_name();
  page += "## " + name + "\n\n```text\n" + command.help(above, CLI::AppFormatMode::Normal);
  page.erase(page.find_last_not_of('\n') + 1);
  page += "\n```\n\n";
  for (const CLI::App* inner : command.get_subcommands(nullptr)) add_help(page, *inner, name);
}

std::string cli_page(const CLI::App& app) {
  std::string page = std::string("# Commands\n\n") + kGenerated;
  for (const CLI::App* command : app.get_subcommands(nullptr))
    add_help(page, *command, app.get_name());
  page.pop_back();
  return page;
}

Status write_page(FileSystem& fs, const std::string& folder, const std::string& name,
                  const std::string& text) {
  const std::string path = join_path(folder, name);
  return replace_file(fs, path + ".new", path, text);
}

Status write_pages(FileSystem& fs, const std::string& folder, const CLI::App& app) {
  ADWEAVE_TRY(make_dirs(fs, folder));
  ADWEAVE_TRY(write_page(fs, folder, "cli.md", cli_page(app)));
  ADWEAVE_TRY(write_page(fs, folder, "fields.md", fields_page()));
  ADWEAVE_TRY(write_page(fs, folder, "metrics.md", metrics_page()));
  return write_page(fs, folder, "rejects.md", rejects_page());
}

}  // namespace

void add_docs_command(Program& program) {
  auto folder = std::make_shared<std::string>();
  CLI::App* command = add_command(
      program, "docs", "Writes the reference pages of commands, fields, metrics and rejects.",
      {"adweave docs --out docs/reference"});
  command->add_option("--out", *folder, "The folder to write to")->required()->type_name("DIR");
  command->callback([&program, folder] {
    program.action = [&program, folder] {
      const Status written = write_pages(program.fs, *folder, program.app);
      return written ? static_cast<int>(kOk) : fail(written.error());
    };
  });
}

}  // namespace adweave::app
