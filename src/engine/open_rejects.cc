// SPDX-License-Identifier: Apache-2.0
#include "engine/open_rejects.h"

#include <algorithm>
#include <tuple>

#include "lake/table_reader.h"
#include "process/deduplicate.h"

namespace adweave::engine {

namespace {

// What a row and the row that takes it back have in common.
Hash128 key_of(const event::RejectRows& rows, int64_t row) {
  std::string key;
  for (const std::string_view part : {rows.source[row], rows.outcome[row], rows.reason[row],
                                      rows.source_position[row], rows.raw_hash[row]}) {
    key.append(part).push_back('\0');
  }
  key += std::to_string(rows.first_seen[row]) + " " + std::to_string(rows.attempt[row]);
  return hash128(key);
}

OpenReject reject_of(const event::RejectRows& rows, int64_t row) {
  OpenReject reject;
  reject.source = rows.source[row];
  reject.position = rows.source_position[row];
  const process::Position position = process::parse_position(reject.position);
  reject.file = position.file;
  reject.offset = position.offset;
  reject.element = position.element;
  reject.reason = rows.reason[row];
  reject.rule = rows.rule.value_or(row, "");
  reject.message = rows.message[row];
  reject.kind = rows.kind.value_or(row, "");
  reject.event_id = rows.event_id.value_or(row, "");
  reject.raw = rows.raw[row];
  reject.raw_length = rows.raw_length[row];
  reject.raw_hash = rows.raw_hash[row];
  reject.first_seen = rows.first_seen[row];
  reject.attempt = rows.attempt[row];
  reject.commit = rows.commit[row];
  return reject;
}

// Only replays take rejects back.
bool holds_replays(const ledger::Ledger& ledger, const event::DataFile& file) {
  const std::vector<int64_t>& replays = ledger.summary().replays;
  const auto first = std::lower_bound(replays.begin(), replays.end(), file.first_commit);
  return first != replays.end() && *first <= file.commit;
}

}  // namespace

Result<OpenRejects> OpenRejects::open(const FileSystem& fs, std::string dir,
                                      const ledger::Ledger& ledger, std::set<std::string> sources,
                                      RejectFilter filter) {
  OpenRejects open;
  open.dir_ = std::move(dir);
  open.sources_ = std::move(sources);
  open.filter_ = std::move(filter);
  open.files_ = ledger.live_files("rejects", ledger.head());
  for (const event::DataFile& file : open.files_) {
    if (!holds_replays(ledger, file)) continue;
    ADWEAVE_ASSIGN(const event::RejectRows rows,
                   lake::read_rows<event::RejectRows>(fs, open.dir_, file));
    for (int64_t row = 0; row < rows.rows; ++row) {
      if (rows.sign[row] < 0) ++open.taken_back_[key_of(rows, row)];
    }
  }
  return open;
}

Result<std::vector<OpenReject>> OpenRejects::next_file(const FileSystem& fs) {
  std::vector<OpenReject> rejects;
  ADWEAVE_ASSIGN(const event::RejectRows rows,
                 lake::read_rows<event::RejectRows>(fs, dir_, files_[next_++]));
  for (int64_t row = 0; row < rows.rows; ++row) {
    if (rows.sign[row] < 0) continue;
    const auto taken = taken_back_.find(key_of(rows, row));
    if (taken != taken_back_.end() && taken->second > 0) {
      --taken->second;
      continue;
    }
    const bool wanted = rows.state[row] == "open" && rows.outcome[row] == "rejected" &&
                        sources_.contains(std::string(rows.source[row])) &&
                        (filter_.source.empty() || rows.source[row] == filter_.source) &&
                        (filter_.reason.empty() || rows.reason[row] == filter_.reason);
    if (wanted) rejects.push_back(reject_of(rows, row));
  }
  const auto order = [](const OpenReject& reject) {
    return std::tie(reject.source, reject.file, reject.first_seen, reject.offset, reject.element);
  };
  std::stable_sort(rejects.begin(), rejects.end(),
                   [&](const OpenReject& a, const OpenReject& b) { return order(a) < order(b); });
  return rejects;
}

}  // namespace adweave::engine
