// SPDX-License-Identifier: Apache-2.0
// The ledger's live files as Delta logs, one a table: what other programs read. A projection: it
// comes after the commit, never decides anything, and is done again where it was cut off.
#pragma once

#include <cstdint>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "engine/ledger_view.h"
#include "engine/profile.h"
#include "lake/delta_log.h"

namespace adweave::engine {

// What became of a table's log.
struct PublishedTable {
  std::string table;
  int64_t version = 0;  // of its log
  int64_t files = 0;    // that it names
  int64_t added = 0;    // by this version
  int64_t removed = 0;
};

// Publishes again and again while a run goes on: it keeps the logs open. Used by one thread; a
// publication beside it reads nothing that changes.
class DeltaPublisher {
 public:
  using Published = Result<std::vector<PublishedTable>>;

  DeltaPublisher(FileSystem& fs, std::string dir, Profile* profile = nullptr)
      : fs_(fs), dir_(std::move(dir)), profile_(profile) {}
  DeltaPublisher(const DeltaPublisher&) = delete;
  DeltaPublisher& operator=(const DeltaPublisher&) = delete;

  // Brings the logs of all tables up to the newest commit; those of tables that have not changed
  // stay as they are. The plain folders of sealed days (engine/publish_days.h) come first: a log
  // names their files there. `now` is microseconds UTC. Fails with corrupt, naming the file, when a
  // log is damaged; the other tables are published all the same.
  Published publish(const ledger::Ledger& ledger, int64_t now);

  // The same on a thread of its own; none may be under way.
  void begin(const ledger::Ledger& ledger, int64_t now);
  bool is_publishing() const { return work_.valid(); }
  // Whether end() would not wait.
  bool is_published() const;
  // Waits for the publication.
  Published end();

 private:
  // What a publication needs to know.
  struct Task {
    LedgerView ledger;
    std::map<std::string, int64_t> rows_changed;  // by table: the newest commit that changed rows
    bool days = false;                            // whether sealed days may have changed
    int64_t now = 0;
  };

  Task task_of(const ledger::Ledger& ledger, int64_t now);
  Published work(const Task& task);
  Result<std::optional<PublishedTable>> publish_table(const Task& task,
                                                      const event::TableInfo& table);
  Result<lake::DeltaLog*> log_of(const event::TableInfo& table);

  FileSystem& fs_;
  std::string dir_;
  Profile* profile_;
  int64_t days_published_ = -1;  // the newest commit that had changed sealed days

  // Of the publication under way.
  std::map<std::string, lake::DeltaLog> logs_;  // by table
  std::optional<Published> published_;          // by work_, until end()
  std::future<void> work_;                      // last: what it reads must outlive it
};

// The same once.
Result<std::vector<PublishedTable>> publish_delta(FileSystem& fs, const std::string& dir,
                                                  const ledger::Ledger& ledger, int64_t now);

// Gives every table a version that says all there is, with a checkpoint, behind all that its log
// has, damaged or not.
Result<std::vector<PublishedTable>> rebuild_delta(FileSystem& fs, const std::string& dir,
                                                  const ledger::Ledger& ledger, int64_t now);

// How the logs stand to the newest commit.
struct DeltaLag {
  std::vector<std::string> behind;  // tables whose log does not say what the ledger says
  std::vector<Error> damage;        // of logs that cannot be read
};
DeltaLag delta_lag(const FileSystem& fs, const std::string& dir, const ledger::Ledger& ledger);

}  // namespace adweave::engine
