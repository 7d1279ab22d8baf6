// SPDX-License-Identifier: Apache-2.0
#include "state/snapshot.h"

#include "state/byte_stream.h"

namespace adweave::state {

namespace {

constexpr std::string_view kMagic = "AWSNAP03";
constexpr size_t kHashDigits = 32;

}  // namespace

std::string to_snapshot(const State& state, std::string_view commit_checksum) {
  ByteWriter out;
  out.text(commit_checksum);
  state.files.save(out);
  state.ids.save(out);
  state.journeys.save(out);
  std::string bytes = std::string(kMagic) + out.take();
  return bytes + to_hex(hash128(bytes));
}

std::unique_ptr<State> from_snapshot(std::string_view bytes, std::string_view commit_checksum) {
  if (bytes.size() < kMagic.size() + kHashDigits || !bytes.starts_with(kMagic)) return nullptr;
  const std::string_view body = bytes.substr(0, bytes.size() - kHashDigits);
  if (to_hex(hash128(body)) != bytes.substr(body.size())) return nullptr;
  ByteReader in(body.substr(kMagic.size()));
  if (in.text() != commit_checksum) return nullptr;
  auto state = std::make_unique<State>();
  state->files.load(in);
  state->ids.load(in);
  state->journeys.load(in);
  return in.ok() && in.at_end() ? std::move(state) : nullptr;
}

}  // namespace adweave::state
