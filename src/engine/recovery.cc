// SPDX-License-Identifier: Apache-2.0
#include "engine/recovery.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/limits.h"
#include "engine/ids_folder.h"
#include "lake/table_reader.h"
#include "process/attribute.h"
#include "state/snapshot.h"

namespace adweave::engine {

namespace {

using event::Field;

// What deduplication and attribution remember of an event.
constexpr Field kStateFields[] = {Field::event_id,
                                  Field::event_time,
                                  Field::person_id,
                                  Field::advertiser_id,
                                  Field::source,
                                  Field::source_position,
                                  Field::content_hash,
                                  Field::flags,
                                  Field::commit,
                                  Field::viewable,
                                  Field::campaign_id,
                                  Field::ad_group_id,
                                  Field::creative_id,
                                  Field::placement_id,
                                  Field::website,
                                  Field::conversion_type,
                                  Field::currency,
                                  Field::value,
                                  Field::reported_campaign_id,
                                  Field::adjustment,
                                  Field::adjusts,
                                  Field::order_id,
                                  Field::impression_id,
                                  Field::joined_by,
                                  Field::is_double_click};

constexpr Field kOccurrenceFields[] = {Field::event_id, Field::source, Field::source_position};

// Which mapping decoded the rows of a source in a commit.
std::map<std::string, std::string, std::less<>> mappings_of(const ledger::CommitRecord& record) {
  std::map<std::string, std::string, std::less<>> mappings;
  for (const ledger::SourcePosition& position : record.positions)
    mappings[std::string(ledger::row_source(position.source))] = position.mapping;
  return mappings;
}

bool is_event_table(const event::DataFile& file) {
  return event::find_table(file.table)->kind.has_value();
}

// The commits that read the content `before` or what it grew from: each read of a file that goes on
// begins where an earlier read of the same name ended. Another content under the same name is
// another file. Rejects of that content that were decoded again are part of it.
std::set<int64_t> commits_of(const ledger::Ledger& ledger, const std::string& source,
                             const source::ReadBefore& before) {
  std::set<int64_t> commits;
  std::set<std::string> contents;
  int64_t end = before.after;
  const auto& records = ledger.records();
  for (auto record = records.rbegin(); record != records.rend(); ++record) {
    for (const ledger::SourcePosition& position : record->positions) {
      if (position.source != source || position.file != before.file || position.after != end)
        continue;
      commits.insert(record->number);
      contents.insert(position.hash);
      end = position.before;
    }
  }
  const std::string replayed = std::string(ledger::kReplayPrefix) + source;
  for (const ledger::CommitRecord& record : records) {
    for (const ledger::SourcePosition& position : record.positions) {
      if (position.source == replayed && position.file == before.file &&
          contents.contains(position.hash))
        commits.insert(record.number);
    }
  }
  return commits;
}

Status remember_file(const FileSystem& fs, const std::string& dir, const event::DataFile& file,
                     const std::map<std::string, std::string, std::less<>>& mappings,
                     state::State& state) {
  ADWEAVE_ASSIGN(const event::Batch batch, lake::read_events(fs, dir, file, kStateFields));
  for (int64_t row = 0; row < batch.rows; ++row) {
    const auto mapping = mappings.find(batch.source[row]);
    process::remember(state, batch, row, mapping == mappings.end() ? "" : mapping->second);
  }
  process::remember_journeys(state.journeys, batch);
  return {};
}

Status remember_commit(const FileSystem& fs, const std::string& dir, const ledger::Ledger& ledger,
                       const ledger::CommitRecord& record, state::State& state) {
  const auto mappings = mappings_of(record);
  for (const event::DataFile& file : record.added) {
    if (is_event_table(file) && !ledger.is_gone(file))
      ADWEAVE_TRY(remember_file(fs, dir, file, mappings, state));
  }
  for (const event::DataFile& file : record.added) {
    if (file.table != "facts" || ledger.is_gone(file)) continue;
    ADWEAVE_ASSIGN(const event::FactRows rows, lake::read_rows<event::FactRows>(fs, dir, file));
    process::remember_facts(state.journeys, rows);
  }
  for (const event::DataFile& file : record.added) {
    if (file.table != "credits_log" || ledger.is_gone(file)) continue;
    ADWEAVE_ASSIGN(const event::CreditRows rows, lake::read_rows<event::CreditRows>(fs, dir, file));
    process::remember_credits(state.journeys, rows);
  }
  return {};
}

// "<20-digit commit>-<epoch>.snapshot"
std::string snapshot_name(int64_t commit, int64_t epoch) {
  return fmt::format("{:020}-{}.snapshot", commit, epoch);
}

struct Snapshot {
  int64_t commit = 0;
  std::unique_ptr<state::State> state = std::make_unique<state::State>();
};

// A snapshot is a cache: what cannot be read or does not fit the ledger is passed over.
Snapshot newest_snapshot(const FileSystem& fs, const std::string& dir,
                         const ledger::Ledger& ledger) {
  const std::string folder = join_path(dir, "state");
  const Result<std::vector<std::string>> names = snapshot_names(fs, dir);
  if (!names) return {};
  for (auto name = names->rbegin(); name != names->rend(); ++name) {
    int64_t commit = 0;
    std::from_chars(name->data(), name->data() + name->size(), commit);
    // State is a function of the rows that are there: days that are gone since do not count.
    const int64_t first = ledger.retention() ? ledger.retention()->commit : 1;
    if (commit < first || commit > ledger.head()) continue;
    const Result<std::string> bytes =
        read_file(fs, join_path(folder, *name), limits::kSnapshotBytesMax);
    if (!bytes) continue;
    const std::string& checksum = ledger.records()[static_cast<size_t>(commit) - 1].checksum;
    if (auto state = state::from_snapshot(*bytes, checksum, &fs, ids_folder(dir)))
      return {commit, std::move(state)};
  }
  return {};
}

void count(process::Occurrences& occurrences, const event::IdColumn& ids,
           const event::DictColumn& sources, const event::StrColumn& positions, int64_t rows,
           const std::string& source, const std::string& file) {
  for (int64_t row = 0; row < rows; ++row) {
    if (sources[row] != source || process::parse_position(positions[row]).file != file) continue;
    if (const auto fingerprint = process::fingerprint_in(ids[row])) ++occurrences[*fingerprint];
  }
}

}  // namespace

Result<std::unique_ptr<state::State>> load_state(FileSystem& fs, const Job& job,
                                                 const ledger::Ledger& ledger) {
  Snapshot snapshot = newest_snapshot(fs, job.data, ledger);
  for (const ledger::CommitRecord& record : ledger.records()) {
    if (record.number <= snapshot.commit) continue;
    ADWEAVE_TRY(remember_commit(fs, job.data, ledger, record, *snapshot.state));
    ADWEAVE_TRY(bound_ids(fs, job, record.number, ledger.epoch(), *snapshot.state));
  }
  return std::move(snapshot.state);
}

Status save_state(FileSystem& fs, const std::string& dir, const ledger::Ledger& ledger,
                  state::State& state) {
  ADWEAVE_TRY(end_move(fs, dir, ledger.epoch(), state));
  const std::string folder = join_path(dir, "state");
  ADWEAVE_TRY(make_dirs(fs, folder));
  const std::string path = join_path(folder, snapshot_name(ledger.head(), ledger.epoch()));
  ADWEAVE_TRY(
      replace_file(fs, path + ".new", path, state::to_snapshot(state, ledger.head_checksum())));
  ADWEAVE_ASSIGN(const std::vector<std::string> names, snapshot_names(fs, dir));
  for (size_t i = 0; i + limits::kSnapshotsKept < names.size(); ++i) {
    ADWEAVE_TRY(fs.unlink(join_path(folder, names[i])));
  }
  return remove_unused_runs(fs, dir, ledger.epoch(), state);
}

Result<process::Occurrences> rebuild_occurrences(const FileSystem& fs, const std::string& dir,
                                                 const ledger::Ledger& ledger,
                                                 const std::string& source,
                                                 const source::ReadBefore& before) {
  process::Occurrences occurrences;
  const std::set<int64_t> commits = commits_of(ledger, source, before);
  for (const ledger::CommitRecord& record : ledger.records()) {
    if (!commits.contains(record.number)) continue;
    for (const event::DataFile& added : record.added) {
      if (ledger.is_gone(added)) continue;
      if (is_event_table(added)) {
        ADWEAVE_ASSIGN(const event::Batch rows,
                       lake::read_events(fs, dir, added, kOccurrenceFields));
        count(occurrences, rows.event_id, rows.source, rows.source_position, rows.rows, source,
              before.file);
      } else if (added.table == "duplicates") {
        ADWEAVE_ASSIGN(const event::DuplicateRows rows,
                       lake::read_rows<event::DuplicateRows>(fs, dir, added));
        count(occurrences, rows.event_id, rows.source, rows.source_position, rows.rows, source,
              before.file);
      }
    }
  }
  return occurrences;
}

}  // namespace adweave::engine
