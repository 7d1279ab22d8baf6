// SPDX-License-Identifier: Apache-2.0
#include "process/deduplicate.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "event/flags.h"
#include "process/rejects.h"

namespace adweave::process {

namespace {

constexpr std::string_view kMadeId = "x:";
constexpr size_t kHexDigits = 32;
constexpr int64_t kPrefetchRows = 16;  // looked up so far ahead of the row that is judged

// Two deliveries of the same are two: the position tells them apart. Two files are not: the same
// row may be exported twice, so it is told by how often it has come in its file.
std::string made_id(const Hash128& fingerprint, int32_t occurrence, std::string_view position) {
  const std::string id = std::string(kMadeId) + to_hex(fingerprint);
  for (const std::string_view log : {event::kJournalPrefix, event::kKafkaPrefix}) {
    if (position.starts_with(log)) return fmt::format("{}@{}", id, position.substr(log.size()));
  }
  return occurrence < 2 ? id : fmt::format("{}.{}", id, occurrence);
}

// Gives every row an id: given ones stay.
void complete_ids(event::Batch& batch, const event::Slice& slice,
                  const std::vector<Hash128>& fingerprints, Occurrences& occurrences) {
  if (batch.event_id.size() == batch.rows && batch.event_id.text().validity().null_count() == 0)
    return;
  event::IdColumn ids;
  event::PieceCursor pieces(slice);
  size_t piece = 0;
  if (!slice.pieces.empty()) occurrences.clear();
  for (int64_t row = 0; row < batch.rows; ++row) {
    if (batch.event_id.has(row)) {
      ids.put(row, batch.event_id[row], batch.event_id.hash(row));
      continue;
    }
    const size_t here = pieces.index(batch.spans[static_cast<size_t>(row)].offset);
    if (std::exchange(piece, here) != here) occurrences.clear();
    const Hash128& fingerprint = fingerprints[static_cast<size_t>(row)];
    const int32_t occurrence = ++occurrences[fingerprint];
    ids.put(row, made_id(fingerprint, occurrence, batch.source_position[row]));
    if (occurrence > 1)
      batch.flags.replace(row, batch.flags.value_or(row, 0) | event::kPossibleDuplicate);
  }
  batch.event_id = std::move(ids);
}

std::string position_of(const state::FileTable& files, const state::Seen& seen) {
  const int32_t element = state::packed_element(seen.position);
  const std::string& file = files[seen.file].file;
  const int64_t offset = state::packed_offset(seen.position);
  return element < 0 ? fmt::format("{}:{}", file, offset)
                     : fmt::format("{}:{}#{}", file, offset, element);
}

// What the keys of an advertiser's events of a kind have in common.
Hash128 identity_space(event::Kind kind, std::string_view advertiser_id) {
  return combine({static_cast<uint64_t>(kind) + 1, 0}, hash128(advertiser_id));
}

std::vector<Hash128> identity_keys(const event::Batch& batch) {
  const event::Dictionary& advertisers = batch.advertiser_id.dictionary();
  std::vector<Hash128> spaces;
  for (int32_t code = 0; code < advertisers.size(); ++code)
    spaces.push_back(identity_space(batch.kind, advertisers[code]));
  std::vector<Hash128> keys(static_cast<size_t>(batch.rows));
  for (int64_t row = 0; row < batch.rows; ++row) {
    const auto code = static_cast<size_t>(batch.advertiser_id.code(row));
    keys[static_cast<size_t>(row)] = combine(spaces[code], batch.event_id.hash(row));
  }
  return keys;
}

// Judges the rows of one batch.
class Judge {
 public:
  Judge(const event::Slice& slice, const DedupContext& context, state::State& state)
      : slice_(slice),
        pieces_(slice),
        context_(context),
        state_(state),
        file_(state.files.code_of({slice.source, slice.file, context.mapping})) {}

  // In the order of the rows, so that a repeat within the slice is found too.
  std::vector<int32_t> judge(const event::Batch& batch, event::DuplicateRows& duplicates,
                             event::RejectRows& rejects, std::vector<DedupCounts>& by_piece) {
    const std::vector<Hash128> keys = identity_keys(batch);
    std::vector<int32_t> kept;
    kept.reserve(static_cast<size_t>(batch.rows));
    for (int64_t row = 0; row < batch.rows; ++row) {
      const Hash128& key = keys[static_cast<size_t>(row)];
      const event::RecordSpan& span = batch.spans[static_cast<size_t>(row)];
      DedupCounts& counts = by_piece[pieces_.index(span.offset)];
      if (row + kPrefetchRows < batch.rows)
        state_.ids.prefetch(keys[static_cast<size_t>(row + kPrefetchRows)]);
      const std::optional<Hash128> order = order_key(batch, row);
      const std::optional<state::Seen> seen = state_.ids.find(key);
      const std::optional<state::Seen> ordered =
          !seen && order ? state_.ids.find(*order) : std::nullopt;
      if (ordered) {
        add_duplicate(duplicates, batch, row, *ordered);
        ++counts.duplicate;
      } else if (!seen) {
        const int64_t offset = pieces_.source_offset(span.offset);
        const state::Seen here = {static_cast<uint64_t>(batch.content_hash[row]),
                                  static_cast<uint32_t>(context_.commit), file_,
                                  state::pack_position(offset, span.element)};
        state_.ids.insert(key, here);
        if (order) state_.ids.insert(*order, here);
        kept.push_back(static_cast<int32_t>(row));
        ++counts.accepted;
      } else if (is_conflict(batch, row, *seen)) {
        add_conflict(rejects, slice_, batch, row, position_of(state_.files, *seen));
        ++counts.conflict;
      } else {
        add_duplicate(duplicates, batch, row, *seen);
        ++counts.duplicate;
      }
    }
    return kept;
  }

 private:
  bool is_conflict(const event::Batch& batch, int64_t row, const state::Seen& seen) const {
    if (fingerprint_in(batch.event_id[row])) return false;
    const bool comparable = state_.files[seen.file].mapping == context_.mapping;
    return comparable && seen.content_hash != static_cast<uint64_t>(batch.content_hash[row]);
  }

  void add_duplicate(event::DuplicateRows& rows, const event::Batch& batch, int64_t row,
                     const state::Seen& seen) const {
    const int64_t at = rows.rows++;
    rows.event_id.put(at, batch.event_id[row], batch.event_id.hash(row));
    rows.kind.put(at, event::kind_name(batch.kind));
    rows.source.put(at, slice_.source);
    rows.source_position.put(at, batch.source_position[row]);
    rows.first_position.put(at, position_of(state_.files, seen));
    rows.first_commit.put(at, seen.commit);
    rows.received_time.put(at, batch.received_time[row]);
  }

  const event::Slice& slice_;
  event::PieceCursor pieces_;
  const DedupContext& context_;
  state::State& state_;
  uint32_t file_;
};

void flag_all(event::Batch& batch) {
  for (int64_t row = 0; row < batch.rows; ++row) {
    batch.flags.replace(row, batch.flags.value_or(row, 0) | event::kNotDeduplicated);
  }
}

}  // namespace

std::vector<DedupCounts> deduplicate(PreparedSlice& prepared, const DedupContext& context,
                                     state::State& state, Occurrences& occurrences,
                                     event::DuplicateRows& duplicates, event::RejectRows& rejects) {
  const event::Slice& slice = prepared.decoded.slice;
  std::vector<DedupCounts> counts(std::max<size_t>(slice.pieces.size(), 1));
  for (event::Batch& batch : prepared.decoded.batches) {
    if (batch.rows == 0) continue;
    complete_ids(batch, slice, prepared.fingerprints[static_cast<size_t>(batch.kind)], occurrences);
    prepared.fingerprints[static_cast<size_t>(batch.kind)] = {};  // the slice may be held for long
    if (!context.look_up) {
      flag_all(batch);
      event::PieceCursor pieces(slice);
      for (const event::RecordSpan& span : batch.spans)
        ++counts[pieces.index(span.offset)].accepted;
      continue;
    }
    batch.keep(Judge(slice, context, state).judge(batch, duplicates, rejects, counts));
  }
  return counts;
}

Hash128 identity_key(event::Kind kind, std::string_view advertiser_id, const Hash128& event_id) {
  return combine(identity_space(kind, advertiser_id), event_id);
}

std::optional<Hash128> order_key(const event::Batch& batch, int64_t row) {
  if (batch.kind != event::Kind::conversion || !batch.order_id.has(row)) return std::nullopt;
  if (batch.adjustment.value_or(row, "none") != "none") return std::nullopt;
  constexpr Hash128 kOrder = {0, 1};
  const Hash128 type = combine(kOrder, hash128(batch.conversion_type[row]));
  return identity_key(batch.kind, batch.advertiser_id[row],
                      combine(type, batch.order_id.hash(row)));
}

std::optional<Hash128> fingerprint_in(std::string_view event_id) {
  if (!event_id.starts_with(kMadeId) || event_id.size() < kMadeId.size() + kHexDigits)
    return std::nullopt;
  const std::string_view rest = event_id.substr(kMadeId.size() + kHexDigits);
  if (!rest.empty() && rest.front() != '.' && rest.front() != '@') return std::nullopt;
  return parse_hex128(event_id.substr(kMadeId.size(), kHexDigits));
}

Position parse_position(std::string_view text) {
  Position position;
  const size_t colon = text.rfind(':');
  CHECK(colon != std::string_view::npos);
  position.file = text.substr(0, colon);
  const char* end = text.data() + text.size();
  const auto offset = std::from_chars(text.data() + colon + 1, end, position.offset);
  if (offset.ptr != end && *offset.ptr == '#')
    std::from_chars(offset.ptr + 1, end, position.element);
  return position;
}

void remember(state::State& state, const event::Batch& batch, int64_t row,
              const std::string& mapping) {
  if ((batch.flags.value_or(row, 0) & event::kNotDeduplicated) != 0) return;
  const Hash128 key = identity_key(batch.kind, batch.advertiser_id[row], batch.event_id.hash(row));
  const std::optional<Hash128> order = order_key(batch, row);
  const bool is_new = !state.ids.find(key);
  const bool is_first = order && !state.ids.find(*order);
  if (!is_new && !is_first) return;
  const Position position = parse_position(batch.source_position[row]);
  const uint32_t file =
      state.files.code_of({std::string(batch.source[row]), position.file, mapping});
  const state::Seen here = {static_cast<uint64_t>(batch.content_hash[row]),
                            static_cast<uint32_t>(batch.commit[row]), file,
                            state::pack_position(position.offset, position.element)};
  if (is_new) state.ids.insert(key, here);
  if (is_first) state.ids.insert(*order, here);
}

}  // namespace adweave::process
