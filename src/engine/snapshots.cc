// SPDX-License-Identifier: Apache-2.0
#include "engine/snapshots.h"

#include "base/check.h"
#include "base/limits.h"
#include "engine/ids_folder.h"
#include "engine/state_folder.h"

namespace adweave::engine {

namespace {

constexpr std::string_view kUnfinished = ".snapshot.new";

std::string path_now(const std::string& dir, const ledger::Ledger& ledger, std::string_view rest) {
  return join_path(state_folder(dir), state_file_name(ledger.head(), ledger.epoch(), rest));
}

}  // namespace

state::Snapshot read_snapshot(const FileSystem& fs, const std::string& dir,
                              const ledger::Ledger& ledger, const std::string& name) {
  const int64_t commit = commit_of_snapshot(name);
  if (commit < 1 || commit > ledger.head()) return {};
  const Result<std::string> bytes =
      read_file(fs, join_path(state_folder(dir), name), limits::kSnapshotBytesMax);
  if (!bytes) return {};
  const Result<std::string> checksum = ledger.checksum_of(commit);
  return checksum ? state::from_snapshot(*bytes, *checksum, &fs, ids_folder(dir))
                  : state::Snapshot();
}

state::Snapshot newest_snapshot(const FileSystem& fs, const std::string& dir,
                                const ledger::Ledger& ledger) {
  state::Snapshot none{state::AsOf(), std::make_unique<state::State>()};
  const Result<std::vector<std::string>> names = snapshot_names(fs, dir);
  if (!names) return none;
  // State is a function of the rows that are there: days that are gone since do not count.
  const int64_t since = ledger.retention() ? ledger.retention()->commit : 0;
  for (auto name = names->rbegin(); name != names->rend(); ++name) {
    if (commit_of_snapshot(*name) < since) continue;
    state::Snapshot snapshot = read_snapshot(fs, dir, ledger, *name);
    if (snapshot.state && snapshot.as_of.least() >= since) return snapshot;
  }
  return none;
}

Result<std::unique_ptr<SnapshotWriter>> SnapshotWriter::begin(FileSystem& fs,
                                                              const std::string& dir,
                                                              const ledger::Ledger& ledger,
                                                              state::State& state) {
  ADWEAVE_TRY(make_dirs(fs, state_folder(dir)));
  std::unique_ptr<SnapshotWriter> writer(new SnapshotWriter(fs, dir, ledger, state));
  if (fs.exists(writer->unfinished_)) ADWEAVE_TRY(fs.unlink(writer->unfinished_));
  ADWEAVE_ASSIGN(writer->file_, fs.create_exclusive(writer->unfinished_));
  return writer;
}

SnapshotWriter::SnapshotWriter(FileSystem& fs, const std::string& dir, const ledger::Ledger& ledger,
                               state::State& state)
    : fs_(fs),
      dir_(dir),
      ledger_(ledger),
      state_(state),
      unfinished_(path_now(dir, ledger, kUnfinished)),
      pieces_(state, [this](std::string_view piece) { return file_->write(piece); }) {}

// Each piece is synced for itself: all at once would take as long as it all.
Result<bool> SnapshotWriter::go_on(int64_t bytes) {
  ADWEAVE_ASSIGN(const bool is_last, pieces_.write(ledger_.head(), bytes));
  if (is_last) ADWEAVE_TRY(pieces_.end(ledger_.head_checksum()));
  ADWEAVE_TRY(file_->sync());
  if (is_last) ADWEAVE_TRY(finish());
  return is_last;
}

Status SnapshotWriter::finish() {
  ADWEAVE_TRY(file_->close());
  const Status renamed = fs_.rename(unfinished_, path_now(dir_, ledger_, ".snapshot"));
  // A newer writer has removed it: it is of no use.
  if (!renamed) return renamed.error().code == ErrorCode::not_found ? Status() : renamed;
  ADWEAVE_TRY(fs_.sync_dir(state_folder(dir_)));
  return tidy();
}

// Removes what is of no use beside the newest snapshots. What a newer writer began is its own.
Status SnapshotWriter::tidy() {
  const std::string folder = state_folder(dir_);
  ADWEAVE_ASSIGN(const std::vector<std::string> names, fs_.list(folder));
  for (const std::string& name : names) {
    const std::optional<StateFile> file = parse_state_file(name);
    if (file && file->rest == kUnfinished && file->epoch <= ledger_.epoch())
      ADWEAVE_TRY(fs_.unlink(join_path(folder, name)));
  }
  ADWEAVE_ASSIGN(const std::vector<std::string> snapshots, snapshot_names(fs_, dir_));
  for (size_t i = 0; i + limits::kSnapshotsKept < snapshots.size(); ++i) {
    ADWEAVE_TRY(fs_.unlink(join_path(folder, snapshots[i])));
  }
  // Later, if a move reads them.
  return state_.ids.is_moving() ? Status() : remove_unused_runs(fs_, dir_, ledger_.epoch(), state_);
}

Status save_state(FileSystem& fs, const std::string& dir, const ledger::Ledger& ledger,
                  state::State& state) {
  ADWEAVE_TRY(end_move(fs, dir, ledger.epoch(), state));
  ADWEAVE_ASSIGN(const auto writer, SnapshotWriter::begin(fs, dir, ledger, state));
  ADWEAVE_ASSIGN(const bool is_whole, writer->go_on(limits::kSnapshotBytesMax));
  CHECK(is_whole);
  return {};
}

}  // namespace adweave::engine
