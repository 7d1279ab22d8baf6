// SPDX-License-Identifier: Apache-2.0
#include "query/report.h"

#include <algorithm>
#include <cctype>
#include <iostream>

#include "app/command.h"
#include "query/warehouse.h"

namespace adweave::app {

namespace {

struct ReportOptions {
  ReadOptions read;
  query::ReportQuery query;
};

// From the warehouse where it can; when that cannot be read, from the tables, and it is built anew.
Result<query::Report> report_of(FileSystem& fs, const ReportOptions& options) {
  bool from_warehouse = false;
  {
    ADWEAVE_ASSIGN(const query::SqlEngine sql, open_report_sql(fs, options.read, false));
    from_warehouse = sql.has_warehouse();
    Result<query::Report> report = query::run_report(sql, options.query);
    if (report || !from_warehouse) return report;
  }
  ADWEAVE_ASSIGN(const ledger::Ledger ledger, ledger::Ledger::open(fs, options.read.data));
  ADWEAVE_ASSIGN(const query::SqlEngine sql,
                 query::SqlEngine::open(options.read.data, ledger, ledger.head()));
  ADWEAVE_ASSIGN(query::Report report, query::run_report(sql, options.query));
  const auto built = query::build_warehouse(fs, options.read.data, ledger, true);
  if (!built)
    report.notes.push_back("the warehouse cannot be built anew: " + built.error().message);
  return report;
}

int report_command(FileSystem& fs, const ReportOptions& options) {
  const Result<query::Report> report = report_of(fs, options);
  if (!report && report.error().code != ErrorCode::query) return fail(report.error());
  if (!report) return fail({ErrorCode::usage, report.error().message, report.error().fix});
  print_rows(report->table, options.read);
  for (const std::string& note : report->notes) std::cerr << "note: " << note << '\n';
  return kOk;
}

int sql_command(FileSystem& fs, const ReadOptions& options, const std::string& statement) {
  // The view costs time to make: only for who may read it.
  std::string text = statement;
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  if (text.find("kpi") == std::string::npos) return print_query(fs, options, statement);
  const Result<query::SqlEngine> sql = open_report_sql(fs, options, true);
  if (!sql) return fail(sql.error());
  const Result<query::QueryResult> result = sql->query(statement);
  if (!result) return fail(result.error());
  print_rows(*result, options);
  return kOk;
}

}  // namespace

void add_report_command(Program& program) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* command =
      add_command(program, "report", "Prints KPIs by any dimensions, as of any commit.",
                  {"adweave report --data DIR",
                   "adweave report --data DIR --by campaign_id,day --metrics impressions,ctr,cpa",
                   "adweave report --data DIR --by hour --zone Europe/Berlin --output json",
                   "adweave report --data DIR --by campaign_id --currency EUR",
                   "adweave report --data DIR --by day --date-by touch --metrics cpa,roas",
                   "adweave report --data DIR --as-of 12"});
  options->read.add_to(*command);
  command->add_option("--by", options->query.by, "Dimensions, separated by commas")
      ->delimiter(',')
      ->type_name("NAMES");
  command->add_option("--metrics", options->query.metrics, "Metrics, separated by commas")
      ->delimiter(',')
      ->type_name("NAMES");
  command->add_option("--zone", options->query.zone, "Time zone of day, hour and the like")
      ->type_name("ZONE");
  command
      ->add_option("--date-by", options->query.date_by,
                   "Time of a conversion: its own, of the touch with the credit, or the day its "
                   "credit was booked: conversion, touch, posting")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, query::DateBy>{{"conversion", query::DateBy::conversion},
                                               {"touch", query::DateBy::touch},
                                               {"posting", query::DateBy::posting}}))
      ->type_name("WHAT");
  command
      ->add_option("--currency", options->query.currency,
                   "Converts money by the exchange rates of the configuration's dimension file")
      ->type_name("CODE");
  command->callback([&program, options] {
    program.action = [&program, options] { return report_command(program.fs, *options); };
  });
}

void add_sql_command(Program& program) {
  auto options = std::make_shared<ReadOptions>();
  auto statement = std::make_shared<std::string>();
  CLI::App* command = add_command(
      program, "sql", "Runs one SELECT over the tables of the ledger.",
      {"adweave sql --data DIR \"SELECT count(*) FROM impressions\"",
       "adweave sql --data DIR --output csv \"SELECT * FROM credits LIMIT 10\"",
       "adweave sql --data DIR \"SELECT cell, sum(clicks) FROM kpi GROUP BY 1 ORDER BY 1\"",
       "adweave sql --data DIR \"DESCRIBE clicks\""});
  options->add_to(*command);
  command->add_option("statement", *statement, "The SELECT")->required()->type_name("SQL");
  command->callback([&program, options, statement] {
    program.action = [&program, options, statement] {
      return sql_command(program.fs, *options, *statement);
    };
  });
}

}  // namespace adweave::app
