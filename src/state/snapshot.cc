// SPDX-License-Identifier: Apache-2.0
#include "state/snapshot.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/limits.h"

namespace adweave::state {

namespace {

constexpr std::string_view kSnapshotMagic = "AWSNAP06";
constexpr size_t kHashDigits = 32;

constexpr size_t kStringsAtOnce = 1024;

// False when the bytes are none.
bool load_piece(ByteReader& in, Snapshot& snapshot, size_t& shards, bool& is_last) {
  State& state = *snapshot.state;
  const auto commit = in.number<int64_t>();
  snapshot.as_of.add(commit, static_cast<uint32_t>(state.journeys.size()));
  state.files.load(in);
  if (shards < HotIds::kShards && !state.ids.hot().load_places(in)) return false;
  while (in.number<bool>()) {
    if (shards == HotIds::kShards || !state.ids.hot().load_shard(in, shards)) return false;
    ++shards;
  }
  while (state.journeys.strings().load(in) > 0) {
  }
  while (in.number<bool>()) state.journeys.load_journey(in);
  is_last = in.number<bool>();
  if (is_last) state.journeys.load_adjustments(in);
  return in.ok();
}

}  // namespace

SnapshotPieces::SnapshotPieces(const State& state, TakeBytes take)
    : state_(state),
      take_(std::move(take)),
      out_([this](std::string_view piece) {
        hash_.update(piece);
        if (taken_) taken_ = take_(piece);
      }),
      strings_then_(state.journeys.strings().size()) {
  out_.bytes(kSnapshotMagic);
  state_.ids.save_runs(out_);
}

Result<bool> SnapshotPieces::write(int64_t commit, int64_t bytes) {
  const auto budget = [this, bytes] {
    return [this, end = out_.size() + static_cast<size_t>(bytes)] { return out_.size() >= end; };
  };
  out_.number(commit);
  state_.files.save(out_, std::exchange(files_, state_.files.size()));
  write_shards(budget());
  const bool has_strings = has_ids() && write_strings(budget());
  out_.number(uint64_t{0});
  const bool is_last = has_strings && write_journeys(budget());
  out_.number(false);
  out_.number(is_last);
  if (is_last) state_.journeys.save_adjustments(out_);
  out_.finish();
  ADWEAVE_TRY(taken_);
  return is_last;
}

void SnapshotPieces::write_shards(const IsFull& is_full) {
  const HotIds& ids = state_.ids.hot();
  const bool is_done = has_ids();  // the ids may be others by now
  if (!is_done) ids.save_places(out_, std::exchange(places_, ids.places()));
  for (; !is_done && !has_ids() && !is_full(); ++shards_) {
    out_.number(true);
    ids.save_shard(out_, shards_);
  }
  out_.number(false);
}

// Those that were there at the beginning in pieces, and then all that are new: what follows names
// them. False when there are more.
bool SnapshotPieces::write_strings(const IsFull& is_full) {
  const StringPool& strings = state_.journeys.strings();
  while (strings_ < strings.size() && (strings_ >= strings_then_ || !is_full())) {
    const size_t end = std::min(strings_ + kStringsAtOnce, strings.size());
    strings.save(out_, std::exchange(strings_, end), end);
  }
  return strings_ == strings.size();
}

// False when there are more.
bool SnapshotPieces::write_journeys(const IsFull& is_full) {
  for (; journeys_ < state_.journeys.size() && !is_full(); ++journeys_) {
    out_.number(true);
    state_.journeys.save_journey(out_, journeys_);
  }
  return journeys_ == state_.journeys.size();
}

Status SnapshotPieces::end(std::string_view commit_checksum) {
  out_.text(commit_checksum);
  out_.finish();
  ADWEAVE_TRY(taken_);
  return take_(to_hex(hash_.digest()));
}

std::string to_snapshot(const State& state, int64_t commit, std::string_view commit_checksum) {
  std::string bytes;
  SnapshotPieces pieces(state, [&](std::string_view piece) {
    bytes += piece;
    return Status();
  });
  const Result<bool> is_whole = pieces.write(commit, limits::kSnapshotBytesMax);
  CHECK(is_whole && *is_whole);
  CHECK(pieces.end(commit_checksum));
  return bytes;
}

Snapshot from_snapshot(std::string_view bytes, std::string_view commit_checksum,
                       const FileSystem* fs, const std::string& runs_folder) {
  if (bytes.size() < kSnapshotMagic.size() + kHashDigits || !bytes.starts_with(kSnapshotMagic))
    return {};
  const std::string_view body = bytes.substr(0, bytes.size() - kHashDigits);
  if (to_hex(hash128(body)) != bytes.substr(body.size())) return {};
  ByteReader in(body.substr(kSnapshotMagic.size()));
  Snapshot snapshot{AsOf(), std::make_unique<State>()};
  if (!snapshot.state->ids.load_runs(in, fs, runs_folder)) return {};
  size_t shards = 0;
  for (bool is_last = false; !is_last;) {
    if (!load_piece(in, snapshot, shards, is_last)) return {};
  }
  if (in.text() != commit_checksum || !in.ok() || !in.at_end()) return {};
  return snapshot;
}

std::vector<std::string> runs_of_snapshot(std::string_view head) {
  if (!head.starts_with(kSnapshotMagic)) return {};
  ByteReader in(head.substr(kSnapshotMagic.size()));
  return IdsSeen::saved_runs(in);
}

}  // namespace adweave::state
