// SPDX-License-Identifier: Apache-2.0
#include "engine/repair.h"

#include "engine/publish_days.h"
#include "engine/publish_delta.h"
#include "engine/recovery.h"
#include "engine/snapshots.h"
#include "engine/state_folder.h"
#include "engine/verify.h"
#include "lookup/index.h"

namespace adweave::engine {

namespace {

class Repair {
 public:
  Repair(FileSystem& fs, const std::string& dir) : fs_(fs), dir_(dir) {}

  Result<std::vector<std::string>> repair(const ledger::Ledger& ledger, int64_t now) {
    ADWEAVE_TRY(mend_summaries(ledger));
    ADWEAVE_TRY(mend_logs(ledger, now));
    ADWEAVE_TRY(mend_snapshots(ledger));
    ADWEAVE_TRY(mend_index());
    return done_;
  }

 private:
  Status remove(const std::string& path, const std::string& why) {
    done_.push_back(join_path(dir_, path) + ": removed, " + why);
    return fs_.unlink(join_path(dir_, path));
  }

  Status mend_summaries(const ledger::Ledger& ledger) {
    ADWEAVE_ASSIGN(const std::vector<int64_t> numbers,
                   ledger::false_summaries(fs_, dir_, ledger.head()));
    for (const int64_t number : numbers)
      ADWEAVE_TRY(remove(ledger::summary_path(number), "the ledger is read without it"));
    return {};
  }

  Status mend_logs(const ledger::Ledger& ledger, int64_t now) {
    if (verify_published(fs_, dir_, ledger).empty()) return {};
    ADWEAVE_ASSIGN(const std::vector<PublishedTable> tables, rebuild_delta(fs_, dir_, ledger, now));
    for (const PublishedTable& table : tables) {
      done_.push_back(join_path(dir_, "lake/" + table.table + "/_delta_log") + ": version " +
                      std::to_string(table.version) + " says all there is");
    }
    return {};
  }

  Status mend_snapshots(const ledger::Ledger& ledger) {
    const Result<std::vector<std::string>> names = snapshot_names(fs_, dir_);
    if (!names) return {};  // there is no state
    for (const std::string& name : *names) {
      if (read_snapshot(fs_, dir_, ledger, name).state) continue;
      ADWEAVE_TRY(remove("state/" + name, "the next run does without it"));
    }
    return {};
  }

  Status mend_index() {
    if (lookup::Index::check(fs_, dir_)) return {};
    return remove(std::string(lookup::kManifestPath),
                  "the next server that answers look-ups makes it anew");
  }

  FileSystem& fs_;
  const std::string& dir_;
  std::vector<std::string> done_;
};

}  // namespace

Result<std::vector<std::string>> repair(FileSystem& fs, const ledger::WriterOptions& options,
                                        int64_t now) {
  ADWEAVE_ASSIGN(const ledger::LedgerWriter writer,
                 ledger::LedgerWriter::open_existing(fs, options));
  return Repair(fs, options.dir).repair(writer.ledger(), now);
}

}  // namespace adweave::engine
