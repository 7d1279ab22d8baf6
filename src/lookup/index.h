// SPDX-License-Identifier: Apache-2.0
// The rows of a ledger under the ids that they name, DIR/index: what is asked of one user, auction,
// impression or event is answered without looking through the lake.
//
// A log-structured merge tree: rows of new commits become small runs, which are merged as they
// grow. Rows never change once they are committed, so where the lake keeps them does not matter
// here, and sealing costs nothing. A projection: it follows the commits, decides nothing, and is
// made again from the lake where it is missing or damaged.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "event/data_file.h"
#include "lookup/run.h"

namespace adweave::lookup {

// The ledger as of a commit.
struct LedgerFiles {
  std::string ledger_id;
  int64_t head = 0;
  std::vector<event::DataFile> live;
};

// The file that names its runs, in the data folder: without it there is no index.
inline constexpr std::string_view kManifestPath = "index/runs.json";

// What was found, and the newest commit that was looked at.
struct Found {
  std::vector<Record> records;
  int64_t commit = 0;
  bool is_cut = false;  // there are more
};

// One thread writes; any number read meanwhile.
class Index {
 public:
  // Reads what is there; what is not of this ledger, schema and so many days, or damaged, is made
  // again by follow(). `dir` is the data folder; `epoch` the writer's. `fs` must outlive it.
  static Result<std::unique_ptr<Index>> open(FileSystem& fs, const std::string& dir,
                                             std::string ledger_id, int64_t epoch, int64_t days);

  // Takes up the rows of commits after through(), but for those of days that are over for longer
  // than it keeps, or before `retained_from`. Rows are in memory alone for a while: after a kill
  // they are read again. `stop` is asked now and then: then it comes back early, with nothing taken
  // up. Times are microseconds UTC. Fails as reading the lake does.
  Status follow(const LedgerFiles& ledger, int64_t retained_from, int64_t now,
                const std::function<bool()>& stop);
  // Writes what is in memory alone.
  Status flush(int64_t now);

  // Whether what is in DIR/index is sound; nothing is. Reads all of it. Fails with corrupt or io.
  static Status check(const FileSystem& fs, const std::string& dir);

  // All of its commits and those before are taken up; -1: none.
  int64_t through() const;
  int64_t rows() const;
  int64_t runs() const;

  // Every row that names the id: an event's, an impression's, an auction's, a click's, an order's,
  // or a position in a source. At most limits::kLookupRowsMax of them. Fails with corrupt.
  Result<Found> rows_of(std::string_view id) const;

  // The newest `limit` events of a user, or of a person, before `before` (microseconds UTC), the
  // newest first. Fails with corrupt.
  Result<Found> timeline(std::string_view user, int64_t before, size_t limit) const;

 private:
  using RunPtr = std::shared_ptr<const Run>;
  using Runs = std::vector<RunPtr>;
  struct View {
    Runs runs;  // in the order of their commits
    int64_t through = -1;
    int64_t time_from = INT64_MIN;
  };

  using Write = std::function<Status(RunWriter&)>;

  Index(FileSystem& fs, const std::string& dir, std::string ledger_id, int64_t epoch, int64_t days)
      : fs_(fs),
        dir_(dir),
        folder_(join_path(dir, "index")),
        ledger_id_(std::move(ledger_id)),
        epoch_(epoch),
        days_(days) {}

  Result<View> read_manifest() const;
  Status write_manifest(const View& view);
  Status remove_unlisted(const Runs& listed);
  std::shared_ptr<const View> view() const;
  void show(View view);
  Status take_file(const event::DataFile& file, const View& before, int64_t time_from,
                   RunBuilder& builder, Runs& runs);
  Result<RunPtr> build(RunBuilder& builder);
  Result<RunPtr> merge(std::span<const RunPtr> runs, int64_t time_from, bool in_file);
  Result<RunPtr> make_run(bool in_file, const Write& write);
  Status merge_due(Runs& runs, const Runs& shown, int64_t time_from);
  Status persist(View& view, int64_t now);

  FileSystem& fs_;
  std::string dir_;
  std::string folder_;
  std::string ledger_id_;
  int64_t epoch_;
  int64_t days_;
  int64_t last_name_ = 0;
  int64_t persisted_ = 0;           // when, microseconds UTC
  int64_t persisted_through_ = -1;  // the commit
  mutable std::mutex mutex_;
  std::shared_ptr<const View> view_ = std::make_shared<View>();  // by mutex_
};

}  // namespace adweave::lookup
