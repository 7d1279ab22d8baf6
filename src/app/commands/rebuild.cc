// SPDX-License-Identifier: Apache-2.0
// rebuild, repair: what is derived from the ledger, made anew from it.
#include <fmt/format.h>

#include "app/command.h"
#include "app/terminal/terminal.h"
#include "app/version.h"
#include "engine/job.h"
#include "engine/publish_delta.h"
#include "engine/recovery.h"
#include "engine/repair.h"
#include "ledger/writer.h"
#include "query/warehouse.h"

namespace adweave::app {

namespace {

int rebuild_warehouse(FileSystem& fs, const std::string& data, bool update) {
  const Result<ledger::Ledger> ledger = ledger::Ledger::open(fs, data);
  if (!ledger) return fail(ledger.error());
  const Result<query::WarehouseBuild> build = query::build_warehouse(fs, data, *ledger, !update);
  if (!build) return fail(build.error());
  fmt::print("{}: {} cells as of commit {}, {} of them computed{}\n", query::warehouse_path(data),
             build->cells, build->commit, build->recomputed, build->afresh ? " afresh" : "");
  return kOk;
}

// As the one writer: nobody else may publish meanwhile.
int rebuild_delta(FileSystem& fs, const std::string& data) {
  const auto writer = open_writer(fs, data);
  if (!writer) return fail(writer.error());
  const auto tables = engine::rebuild_delta(fs, data, writer->ledger(), now_us());
  if (!tables) return fail(tables.error());
  for (const engine::PublishedTable& table : *tables) {
    fmt::print("{}: version {} as of commit {}, {} files\n", table.table, table.version,
               writer->ledger().head(), table.files);
  }
  return kOk;
}

// As the one writer, whose snapshots they are.
int rebuild_state(FileSystem& fs, const std::string& data) {
  const auto writer = open_writer(fs, data);
  if (!writer) return fail(writer.error());
  engine::Job job;
  job.data = data;
  const Status rebuilt = engine::rebuild_state(fs, job, writer->ledger());
  if (!rebuilt) return fail(rebuilt.error());
  fmt::print("{}: as of commit {}\n", join_path(data, "state"), writer->ledger().head());
  return kOk;
}

// Whether the warehouse was damaged and is anew.
Result<bool> mend_warehouse(FileSystem& fs, const std::string& data) {
  if (query::verify_warehouse(fs, data)) return false;
  ADWEAVE_ASSIGN(const ledger::Ledger ledger, ledger::Ledger::open(fs, data));
  ADWEAVE_TRY(query::build_warehouse(fs, data, ledger, true));
  return true;
}

int repair(FileSystem& fs, const std::string& data) {
  const auto done = engine::repair(fs, {data, lock_holder(), "", kVersion, false}, now_us());
  if (!done) return fail(done.error());
  const Result<bool> warehouse = mend_warehouse(fs, data);
  if (!warehouse) return fail(warehouse.error());
  for (const std::string& line : *done) fmt::print("{}\n", line);
  if (*warehouse) fmt::print("{}: made anew\n", query::warehouse_path(data));
  if (done->empty() && !*warehouse) fmt::print("nothing that is derived is damaged\n");
  return kOk;
}

}  // namespace

void add_repair_command(Program& program) {
  CLI::App* command = add_command(
      program, "repair",
      "Makes anew, or removes, what is damaged and derived: Delta logs, plain folders of sealed "
      "days, snapshots, summaries of the ledger, the warehouse. Records and row files have no "
      "other source: what adweave verify says of them after it needs a backup.",
      {"adweave verify --data DIR", "adweave repair --data DIR"});
  auto data = std::make_shared<std::string>();
  command->add_option("--data", *data, "The data folder")->required()->type_name("DIR");
  command->callback([&program, data] {
    program.action = [&program, data] { return repair(program.fs, *data); };
  });
}

void add_rebuild_command(Program& program) {
  CLI::App* command = add_command(
      program, "rebuild", "Makes anew what is derived from the ledger.",
      {"adweave rebuild warehouse --data DIR            # then reports come from KPI cells",
       "adweave rebuild warehouse --data DIR --update",
       "adweave rebuild delta --data DIR                # a damaged log is readable again",
       "adweave rebuild state --data DIR"});
  command->require_subcommand(1);
  CLI::App* warehouse = command->add_subcommand(
      "warehouse", "DIR/warehouse.duckdb: KPI cells of 15 minutes that reports are answered from.");
  auto data = std::make_shared<std::string>();
  auto update = std::make_shared<bool>(false);
  warehouse->add_option("--data", *data, "The data folder")->required()->type_name("DIR");
  warehouse->add_flag("--update", *update, "Compute only the cells that newer commits touch");
  warehouse->callback([&program, data, update] {
    program.action = [&program, data, update] {
      return rebuild_warehouse(program.fs, *data, *update);
    };
  });
  CLI::App* delta = command->add_subcommand(
      "delta",
      "DIR/lake/TABLE/_delta_log: a new version that says all there is, with a checkpoint.");
  delta->add_option("--data", *data, "The data folder")->required()->type_name("DIR");
  delta->callback([&program, data] {
    program.action = [&program, data] { return rebuild_delta(program.fs, *data); };
  });
  CLI::App* state = command->add_subcommand("state",
                                            "DIR/state: what a run remembers of the events before "
                                            "it, from the rows instead of snapshots.");
  state->add_option("--data", *data, "The data folder")->required()->type_name("DIR");
  state->callback([&program, data] {
    program.action = [&program, data] { return rebuild_state(program.fs, *data); };
  });
}

}  // namespace adweave::app
