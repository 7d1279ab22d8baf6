// SPDX-License-Identifier: Apache-2.0
#include "engine/ids_folder.h"

#include <optional>
#include <set>

#include "base/limits.h"
#include "engine/state_folder.h"
#include "state/snapshot.h"

namespace adweave::engine {

namespace {

// The epoch of a run, also when it is not finished; null for another file.
std::optional<int64_t> epoch_of_run(const std::string& name) {
  if (!name.ends_with(".run") && !name.ends_with(".run.new")) return std::nullopt;
  const std::optional<StateFile> file = parse_state_file(name);
  return file && file->rest.starts_with('-') ? std::optional(file->epoch) : std::nullopt;
}

// A snapshot that cannot be read needs none: it is of no use.
std::vector<std::string> runs_of(const FileSystem& fs, const std::string& snapshot) {
  const Result<std::unique_ptr<File>> file = fs.open(snapshot);
  if (!file) return {};
  std::string head(static_cast<size_t>(limits::kSnapshotHeadBytes), '\0');
  const Result<int64_t> read = (*file)->read_at(0, head.data(), limits::kSnapshotHeadBytes);
  if (!read) return {};
  return state::runs_of_snapshot(std::string_view(head).substr(0, static_cast<size_t>(*read)));
}

}  // namespace

Status bound_ids(FileSystem& fs, const Job& job, int64_t commit, int64_t epoch,
                 state::State& state) {
  state::IdsSeen& ids = state.ids;
  const bool full = ids.hot_bytes() > job.ids_memory_max / 2 || ids.must_move();
  if (ids.is_moved() || full) ADWEAVE_TRY(end_move(fs, job.data, epoch, state));
  if (!full) return {};
  const bool beside = job.threads > 1;
  ids.begin_move(fs, ids_folder(job.data), state_file_name(commit, epoch, ""), beside);
  return beside ? Status() : end_move(fs, job.data, epoch, state);
}

Status end_move(FileSystem& fs, const std::string& dir, int64_t epoch, state::State& state) {
  if (!state.ids.is_moving()) return {};
  ADWEAVE_TRY(state.ids.end_move());
  return remove_unused_runs(fs, dir, epoch, state);
}

Status remove_unused_runs(FileSystem& fs, const std::string& dir, int64_t epoch,
                          const state::State& state) {
  const std::string folder = ids_folder(dir);
  if (!fs.exists(folder)) return {};
  const std::vector<std::string> own = state.ids.runs();
  std::set<std::string> used(own.begin(), own.end());
  ADWEAVE_ASSIGN(const std::vector<std::string> snapshots, fs.list(state_folder(dir)));
  for (const std::string& snapshot : snapshots) {
    if (!parse_state_file(snapshot)) continue;
    for (std::string& run : runs_of(fs, join_path(state_folder(dir), snapshot)))
      used.insert(std::move(run));
  }
  ADWEAVE_ASSIGN(const std::vector<std::string> names, fs.list(folder));
  for (const std::string& name : names) {
    const std::optional<int64_t> made_in = epoch_of_run(name);
    if (!made_in || *made_in > epoch || used.contains(name)) continue;
    const Status removed = fs.unlink(join_path(folder, name));
    if (!removed && removed.error().code != ErrorCode::not_found) return removed;
  }
  return {};
}

}  // namespace adweave::engine
