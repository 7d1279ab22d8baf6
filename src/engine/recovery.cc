// SPDX-License-Identifier: Apache-2.0
#include "engine/recovery.h"

#include <algorithm>
#include <map>
#include <set>

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
                                  Field::reported_campaign_id};

constexpr Field kOccurrenceFields[] = {Field::event_id, Field::source, Field::source_position};

// Which mapping decoded the rows of a source in a commit.
std::map<std::string, std::string, std::less<>> mappings_of(const ledger::CommitRecord& record) {
  std::map<std::string, std::string, std::less<>> mappings;
  for (const ledger::SourcePosition& position : record.positions)
    mappings[position.source] = position.mapping;
  return mappings;
}

bool is_event_table(const event::DataFile& file) {
  return event::find_table(file.table)->kind.has_value();
}

// The commits that read the content `before` or what it grew from: each read of a file that goes on
// begins where an earlier read of the same name ended. Another content under the same name is
// another file.
std::set<int64_t> commits_of(const ledger::Ledger& ledger, const std::string& source,
                             const source::ReadBefore& before) {
  std::set<int64_t> commits;
  int64_t end = before.after;
  const auto& records = ledger.records();
  for (auto record = records.rbegin(); record != records.rend(); ++record) {
    for (const ledger::SourcePosition& position : record->positions) {
      if (position.source != source || position.file != before.file || position.after != end)
        continue;
      commits.insert(record->number);
      end = position.before;
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

void count(process::Occurrences& occurrences, const event::IdColumn& ids,
           const event::DictColumn& sources, const event::StrColumn& positions, int64_t rows,
           const std::string& source, const std::string& file) {
  for (int64_t row = 0; row < rows; ++row) {
    if (sources[row] != source || process::parse_position(positions[row]).file != file) continue;
    if (const auto fingerprint = process::fingerprint_in(ids[row])) ++occurrences[*fingerprint];
  }
}

}  // namespace

Result<std::unique_ptr<state::State>> rebuild_state(const FileSystem& fs, const std::string& dir,
                                                    const ledger::Ledger& ledger) {
  auto state = std::make_unique<state::State>();
  for (const ledger::CommitRecord& record : ledger.records()) {
    const auto mappings = mappings_of(record);
    for (const event::DataFile& file : record.added) {
      if (is_event_table(file)) ADWEAVE_TRY(remember_file(fs, dir, file, mappings, *state));
    }
    for (const event::DataFile& file : record.added) {
      if (file.table != "credits_log") continue;
      ADWEAVE_ASSIGN(const event::CreditRows rows,
                     lake::read_rows<event::CreditRows>(fs, dir, file));
      process::remember_credits(state->journeys, rows);
    }
  }
  return state;
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
