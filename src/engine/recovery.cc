// SPDX-License-Identifier: Apache-2.0
#include "engine/recovery.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/ids_folder.h"
#include "engine/snapshots.h"
#include "engine/state_folder.h"
#include "lake/table_reader.h"
#include "process/attribute.h"

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

constexpr Field kOccurrenceFields[] = {Field::event_id, Field::source, Field::source_position,
                                       Field::commit};

// Which mapping decoded a row of the commits after one.
class Mappings {
 public:
  static Result<Mappings> read(const ledger::Ledger& ledger, int64_t since) {
    Mappings mappings;
    ADWEAVE_TRY(ledger.visit_records(since + 1, ledger.head(), [&](const auto& record) {
      for (const ledger::SourcePosition& position : record.positions)
        mappings.add(record.number, position);
      return Status();
    }));
    return mappings;
  }

  const std::string& of(int64_t commit, std::string_view source) const {
    const auto changes = by_source_.find(source);
    if (changes == by_source_.end()) return kNone;
    const auto later = changes->second.upper_bound(commit);
    return later == changes->second.begin() ? kNone : std::prev(later)->second;
  }

 private:
  void add(int64_t commit, const ledger::SourcePosition& position) {
    auto& changes = by_source_[std::string(ledger::row_source(position.source))];
    if (changes.empty() || changes.rbegin()->second != position.mapping)
      changes[commit] = position.mapping;
  }

  inline static const std::string kNone;
  // Of a source: the commits from which on it was another.
  std::map<std::string, std::map<int64_t, std::string>, std::less<>> by_source_;
};

bool is_event_table(const event::DataFile& file) {
  return event::find_table(file.table)->kind.has_value();
}

// The commits that read the content `before` or what it grew from: each read of a file that goes on
// begins where an earlier read of the same name ended. Another content under the same name is
// another file. Rejects of that content that were decoded again are part of it.
Result<std::set<int64_t>> commits_of(const ledger::Ledger& ledger, const std::string& source,
                                     const source::ReadBefore& before) {
  using Read = std::pair<int64_t, ledger::SourcePosition>;
  std::vector<Read> reads;
  std::vector<Read> replays;
  const std::string replayed = std::string(ledger::kReplayPrefix) + source;
  ADWEAVE_TRY(ledger.visit_records(1, ledger.head(), [&](const auto& record) {
    for (const ledger::SourcePosition& position : record.positions) {
      if (position.file != before.file) continue;
      if (position.source == source) reads.emplace_back(record.number, position);
      if (position.source == replayed) replays.emplace_back(record.number, position);
    }
    return Status();
  }));
  std::set<int64_t> commits;
  std::set<std::string> contents;
  int64_t end = before.after;
  for (auto read = reads.rbegin(); read != reads.rend(); ++read) {
    const auto& [commit, position] = *read;
    if (position.after != end) continue;
    commits.insert(commit);
    contents.insert(position.hash);
    end = position.before;
  }
  for (const auto& [commit, position] : replays) {
    if (contents.contains(position.hash)) commits.insert(commit);
  }
  return commits;
}

// The rows of later commits than the state knows. Merged files hold rows of many commits, each file
// those of its days' commits in a row: so the order of the files is the order in which what
// concerns the same event was committed.
Status remember_since(FileSystem& fs, const Job& job, const ledger::Ledger& ledger,
                      const state::AsOf& as_of, state::State& state) {
  const int64_t since = as_of.least();
  std::vector<event::DataFile> files = ledger.live_files("", ledger.head());
  std::erase_if(files, [&](const event::DataFile& file) { return file.commit <= since; });
  ADWEAVE_ASSIGN(const Mappings mappings, Mappings::read(ledger, since));
  for (const event::DataFile& file : files) {
    if (!is_event_table(file)) continue;
    const auto remember = [&](const event::Batch& batch) {
      for (int64_t row = 0; row < batch.rows; ++row) {
        if (batch.commit[row] > since)
          process::remember(state, batch, row, mappings.of(batch.commit[row], batch.source[row]));
      }
      process::remember_journeys(state.journeys, batch, as_of);
      return bound_ids(fs, job, file.commit, ledger.epoch(), state);
    };
    ADWEAVE_TRY(lake::visit_events(fs, job.data, file, kStateFields, remember));
  }
  for (const event::DataFile& file : files) {
    if (file.table != "facts") continue;
    ADWEAVE_TRY(lake::visit_rows<event::FactRows>(fs, job.data, file, [&](const auto& rows) {
      process::remember_facts(state.journeys, rows, as_of);
      return Status();
    }));
  }
  for (const event::DataFile& file : files) {
    if (file.table != "credits_log") continue;
    ADWEAVE_TRY(lake::visit_rows<event::CreditRows>(fs, job.data, file, [&](const auto& rows) {
      process::remember_credits(state.journeys, rows, as_of);
      return Status();
    }));
  }
  return {};
}

// The rows of an event table or of duplicates that are of the file and came with the commits.
template <class Rows>
void count(process::Occurrences& occurrences, const Rows& rows, const std::string& source,
           const std::string& file, const std::set<int64_t>& commits) {
  for (int64_t row = 0; row < rows.rows; ++row) {
    if (!commits.contains(rows.commit[row]) || rows.source[row] != source) continue;
    if (process::parse_position(rows.source_position[row]).file != file) continue;
    if (const auto fingerprint = process::fingerprint_in(rows.event_id[row]))
      ++occurrences[*fingerprint];
  }
}

// Whether a file may hold rows of the commits.
bool may_hold(const event::DataFile& file, const std::set<int64_t>& commits) {
  const auto first = commits.lower_bound(file.first_commit);
  return first != commits.end() && *first <= file.commit;
}

}  // namespace

Result<std::unique_ptr<state::State>> load_state(FileSystem& fs, const Job& job,
                                                 const ledger::Ledger& ledger) {
  state::Snapshot snapshot = newest_snapshot(fs, job.data, ledger);
  ADWEAVE_TRY(remember_since(fs, job, ledger, snapshot.as_of, *snapshot.state));
  return std::move(snapshot.state);
}

Status rebuild_state(FileSystem& fs, const Job& job, const ledger::Ledger& ledger) {
  const std::string folder = state_folder(job.data);
  if (fs.exists(folder)) {
    ADWEAVE_ASSIGN(const std::vector<std::string> names, snapshot_names(fs, job.data));
    for (const std::string& name : names) ADWEAVE_TRY(fs.unlink(join_path(folder, name)));
    ADWEAVE_TRY(remove_unused_runs(fs, job.data, ledger.epoch(), state::State()));
  }
  ADWEAVE_ASSIGN(const std::unique_ptr<state::State> state, load_state(fs, job, ledger));
  return save_state(fs, job.data, ledger, *state);
}

Result<process::Occurrences> rebuild_occurrences(const FileSystem& fs, const std::string& dir,
                                                 const ledger::Ledger& ledger,
                                                 const std::string& source,
                                                 const source::ReadBefore& before) {
  process::Occurrences occurrences;
  ADWEAVE_ASSIGN(const std::set<int64_t> commits, commits_of(ledger, source, before));
  for (const event::DataFile& live : ledger.live_files("", ledger.head())) {
    if (!may_hold(live, commits)) continue;
    const auto add = [&](const auto& rows) {
      count(occurrences, rows, source, before.file, commits);
      return Status();
    };
    if (is_event_table(live)) {
      ADWEAVE_TRY(lake::visit_events(fs, dir, live, kOccurrenceFields, add));
    } else if (live.table == "duplicates") {
      ADWEAVE_TRY(lake::visit_rows<event::DuplicateRows>(fs, dir, live, add));
    }
  }
  return occurrences;
}

}  // namespace adweave::engine
