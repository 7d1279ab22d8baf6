// SPDX-License-Identifier: Apache-2.0
#include "engine/verify.h"

#include "engine/publish_days.h"
#include "engine/snapshots.h"
#include "engine/state_folder.h"
#include "event/schema.h"
#include "lake/delta_log.h"
#include "lookup/index.h"
#include "source/journal_check.h"

namespace adweave::engine {

namespace {

using Problems = std::vector<std::string>;

void append(Problems& problems, const Problems& more, const std::string& fix = "") {
  for (const std::string& problem : more) problems.push_back(problem + fix);
}

Problems verify_index(const FileSystem& fs, const std::string& dir) {
  const Status sound = lookup::Index::check(fs, dir);
  return sound ? Problems() : Problems{sound.error().message};
}

Problems verify_log(const FileSystem& fs, const std::string& dir, const event::TableInfo& table) {
  const auto log = lake::DeltaLog::open(fs, dir, table);
  return log ? log->verify(fs) : Problems{log.error().message};
}

Problems verify_journal(const FileSystem& fs, const std::string& dir) {
  const std::string journal = join_path(dir, "journal");
  if (!fs.exists(journal)) return {};  // no server has run
  const auto checked = source::check_journal(fs, journal, {});
  return checked ? Problems() : Problems{checked.error().message};
}

Problems verify_snapshots(const FileSystem& fs, const std::string& dir,
                          const ledger::Ledger& ledger) {
  Problems problems;
  const Result<std::vector<std::string>> names = snapshot_names(fs, dir);
  if (!names) return problems;  // there is no state to be wrong
  for (const std::string& name : *names) {
    if (read_snapshot(fs, dir, ledger, name).state) continue;
    problems.push_back(join_path(state_folder(dir), name) + ": is no sound snapshot of commit " +
                       std::to_string(commit_of_snapshot(name)) +
                       ", or a run of ids that it needs is not");
  }
  return problems;
}

}  // namespace

Problems verify_published(const FileSystem& fs, const std::string& dir,
                          const ledger::Ledger& ledger) {
  Problems problems = verify_days(fs, dir, ledger);
  for (const event::TableInfo& table : event::all_tables())
    append(problems, verify_log(fs, dir, table));
  return problems;
}

ledger::Verification verify(const FileSystem& fs, const std::string& dir,
                            const ledger::Ledger& ledger,
                            const std::function<void(int64_t, int64_t)>& progress) {
  ledger::Verification result = ledger::verify_files(fs, dir, ledger, progress);
  const std::string fix = "; adweave repair --data " + dir;
  append(result.problems, verify_published(fs, dir, ledger), fix + " makes it anew");
  append(result.problems, verify_snapshots(fs, dir, ledger),
         fix + " removes it, the next run does without");
  append(result.problems, verify_journal(fs, dir));
  append(result.problems, verify_index(fs, dir), fix + " removes it, the next server makes it");
  return result;
}

}  // namespace adweave::engine
