// SPDX-License-Identifier: Apache-2.0
#include "state/snapshot.h"

#include "base/check.h"
#include "state/byte_stream.h"

namespace adweave::state {

namespace {

constexpr std::string_view kSnapshotMagic = "AWSNAP05";
constexpr size_t kHashDigits = 32;

}  // namespace

Status write_snapshot(const State& state, std::string_view commit_checksum, const TakeBytes& take) {
  Hasher128 hash;
  Status taken;
  ByteWriter out([&](std::string_view piece) {
    hash.update(piece);
    if (taken) taken = take(piece);
  });
  out.bytes(kSnapshotMagic);
  out.text(commit_checksum);
  state.ids.save_runs(out);
  state.files.save(out);
  state.ids.save_hot(out);
  state.journeys.save(out);
  out.finish();
  ADWEAVE_TRY(taken);
  return take(to_hex(hash.digest()));
}

std::string to_snapshot(const State& state, std::string_view commit_checksum) {
  std::string bytes;
  const Status written = write_snapshot(state, commit_checksum, [&](std::string_view piece) {
    bytes += piece;
    return Status();
  });
  CHECK(written);
  return bytes;
}

std::unique_ptr<State> from_snapshot(std::string_view bytes, std::string_view commit_checksum,
                                     const FileSystem* fs, const std::string& runs_folder) {
  if (bytes.size() < kSnapshotMagic.size() + kHashDigits || !bytes.starts_with(kSnapshotMagic))
    return nullptr;
  const std::string_view body = bytes.substr(0, bytes.size() - kHashDigits);
  if (to_hex(hash128(body)) != bytes.substr(body.size())) return nullptr;
  ByteReader in(body.substr(kSnapshotMagic.size()));
  if (in.text() != commit_checksum) return nullptr;
  auto state = std::make_unique<State>();
  if (!state->ids.load_runs(in, fs, runs_folder)) return nullptr;
  state->files.load(in);
  if (!state->ids.load_hot(in)) return nullptr;
  state->journeys.load(in);
  return in.ok() && in.at_end() ? std::move(state) : nullptr;
}

std::vector<std::string> runs_of_snapshot(std::string_view head) {
  if (!head.starts_with(kSnapshotMagic)) return {};
  ByteReader in(head.substr(kSnapshotMagic.size()));
  in.text();
  return IdsSeen::saved_runs(in);
}

}  // namespace adweave::state
