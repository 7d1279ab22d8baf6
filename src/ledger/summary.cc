// SPDX-License-Identifier: Apache-2.0
#include "ledger/summary.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/time.h"
#include "event/schema.h"
#include "ledger/members.h"

namespace adweave::ledger {

template <class S, class V>
void members(S& s, V&& visit, int64_t = 0)
  requires(std::is_same_v<std::remove_const_t<S>, Superseded>)
{
  visit("path", s.path);
  visit("kind", s.kind);
  visit("commit", s.commit);
  visit("committed_at", s.committed_at);
}

template <class C, class V>
void members(C& c, V&& visit, int64_t = 0)
  requires(std::is_same_v<std::remove_const_t<C>, Closed>)
{
  visit("commit", c.commit);
  visit("through", c.through);
}

template <class D, class V>
void members(D& d, V&& visit, int64_t = 0)
  requires(std::is_same_v<std::remove_const_t<D>, CommittedDimension>)
{
  visit("commit", d.commit);
  visit("version", d.version);
}

template <class R, class V>
void members(R& r, V&& visit, int64_t = 0)
  requires(std::is_same_v<std::remove_const_t<R>, Retention>)
{
  visit("from", r.from);
  visit("commit", r.commit);
}

template <class S, class V>
void members(S& s, V&& visit, int64_t = 0)
  requires(std::is_same_v<std::remove_const_t<S>, Summary>)
{
  visit("head", s.head);
  visit("record", s.checksum);
  visit("kind", s.kind);
  visit("committed_at", s.committed_at);
  visit("epoch", s.epoch);
  visit("ledger_id", s.ledger_id);
  visit("live", s.live);
  visit("superseded", s.superseded);
  visit("sealed_days", s.sealed_days);
  visit("retention", s.retention);
  visit("positions", s.positions);
  visit("counts", s.counts);
  visit("dimensions", s.dimensions);
  visit("closed", s.closed);
  visit("replays", s.replays);
  visit("rows_changed", s.rows_changed);
  visit("days_changed", s.days_changed);
  visit("heads", s.heads);
}

void Summary::add(const CommitRecord& record) {
  head = record.number;
  checksum = record.checksum;
  kind = record.kind;
  committed_at = record.committed_at;
  epoch = record.epoch;
  if (ledger_id.empty()) ledger_id = record.ledger_id;
  if (kind == "retention") retention = {record.retained_from, head};
  if (kind == "close") closed.push_back({head, record.closed_through});
  if (kind == "replay") replays.push_back(head);
  for (const FileHead& file : record.heads) {
    if (!file.bytes.empty()) heads.try_emplace(file.hash, file.bytes);
  }
  for (const SourcePosition& position : record.positions) add_position(position);
  for (const DimensionVersion& version : record.dimensions) dimensions.push_back({head, version});
  add_counts(counts, record.counts);
  change_live_files(record);
  note_changed_rows(record);
}

void Summary::note_changed_rows(const CommitRecord& record) {
  if (kind == "seal" || kind == "retention") days_changed = head;
  if (kind == "retention") {
    for (const event::TableInfo& table : event::all_tables())
      rows_changed[std::string(table.name)] = head;
  }
  if (kind == "seal" || kind == "compact") return;
  for (const event::DataFile& file : record.added) rows_changed[file.table] = head;
}

void Summary::add_position(const SourcePosition& position) {
  const auto [it, added] =
      contents_.try_emplace(position.source + "/" + position.hash, positions.size());
  if (added) {
    positions.push_back(position);
  } else {
    positions[it->second] = position;
  }
}

void Summary::change_live_files(const CommitRecord& record) {
  if (!record.replaced.empty()) {
    std::set<std::string_view> replaced;
    for (const ReplacedFile& file : record.replaced) {
      replaced.insert(file.path);
      superseded.push_back({file.path, kind, head, committed_at});
    }
    std::erase_if(live, [&](const event::DataFile& file) { return replaced.contains(file.path); });
  }
  for (const event::DataFile& file : record.added) {
    const auto later = std::upper_bound(
        live.begin(), live.end(), file.commit,
        [](int64_t commit, const event::DataFile& other) { return commit < other.commit; });
    live.insert(later, file);
    if (kind == "seal") sealed_days[file.date] = head - 1;
  }
  if (kind == "seal") keep_open_what_is_not_sealed(record);
  if (kind == "retention") {
    std::erase_if(live, [&](const event::DataFile& file) { return is_gone(file); });
    sealed_days.erase(sealed_days.begin(), sealed_days.lower_bound(format_date(retention->from)));
  }
  for (const Vacuumed& vacuumed : record.vacuumed) {
    std::erase_if(superseded, [&](const Superseded& file) {
      return file.kind == vacuumed.kind && file.commit <= vacuumed.through;
    });
  }
}

// Rows may have come to the days while they were sealed.
void Summary::keep_open_what_is_not_sealed(const CommitRecord& seal) {
  std::set<std::string_view> days;
  for (const event::DataFile& file : seal.added) days.insert(file.date);
  for (const event::DataFile& file : live) {
    if (file.is_sealed() || !days.contains(file.date)) continue;
    int64_t& through = sealed_days[file.date];
    through = std::min(through, file.first_commit - 1);
  }
}

bool Summary::is_replay(int64_t commit) const {
  return std::binary_search(replays.begin(), replays.end(), commit);
}

bool Summary::are_live(const std::vector<ReplacedFile>& files) const {
  std::set<std::string_view> missing;
  for (const ReplacedFile& file : files) missing.insert(file.path);
  if (missing.size() < files.size()) return false;  // one of them twice
  if (missing.empty()) return true;
  for (const event::DataFile& file : live) missing.erase(file.path);
  return missing.empty();
}

bool Summary::is_gone(const event::DataFile& file) const {
  return retention && file.commit < retention->commit && file.date < format_date(retention->from);
}

void add_counts(std::vector<Counts>& totals, const std::vector<Counts>& counts) {
  for (const Counts& more : counts) {
    auto it = std::find_if(totals.begin(), totals.end(),
                           [&](const Counts& total) { return total.source == more.source; });
    if (it == totals.end()) {
      it = totals.insert(it, Counts{});
      it->source = more.source;
    }
    it->add(more);
  }
}

std::string summary_path(int64_t head) {
  return fmt::format("ledger/{:020}.summary", head);
}

std::string to_bytes(const Summary& summary) {
  std::string checksum;
  return to_line(summary, checksum);
}

Result<Summary> parse_summary(std::string_view bytes) {
  Summary summary;
  std::string checksum;
  ADWEAVE_TRY(from_line(bytes, summary, checksum));
  for (const SourcePosition& position : std::exchange(summary.positions, {}))
    summary.add_position(position);
  return summary;
}

}  // namespace adweave::ledger
