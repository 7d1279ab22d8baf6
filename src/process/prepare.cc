// SPDX-License-Identifier: Apache-2.0
#include "process/prepare.h"

#include "process/enrich/hierarchy.h"
#include "process/enrich/time_features.h"
#include "process/fingerprint.h"

namespace adweave::process {

namespace {

void add_positions(event::Batch& batch, const event::Slice& slice) {
  event::PositionTexts positions(slice);
  const std::string longest =
      event::position_text(slice, {static_cast<int64_t>(slice.bytes->size()), 0, -1});
  batch.source_position.reserve(batch.rows, batch.rows * static_cast<int64_t>(longest.size()));
  for (int64_t row = 0; row < batch.rows; ++row)
    batch.source_position.put(row, positions.of(batch.spans[static_cast<size_t>(row)]));
}

}  // namespace

PreparedSlice prepare(event::DecodedSlice decoded, const PrepareRules& rules) {
  PreparedSlice prepared{std::move(decoded), {}};
  prepare(prepared, rules);
  return prepared;
}

void prepare(PreparedSlice& prepared, const PrepareRules& rules) {
  for (event::Batch& batch : prepared.decoded.batches) {
    if (batch.rows == 0) continue;
    std::vector<Hash128>& fingerprints = prepared.fingerprints[static_cast<size_t>(batch.kind)];
    fingerprints = fingerprint(batch);
    add_hierarchy(batch, rules.dimensions);
    add_time_features(batch, rules.zone);
    const std::vector<int32_t> kept = validate(prepared.decoded, batch, rules.validation);
    for (size_t i = 0; i < kept.size(); ++i)
      fingerprints[i] = fingerprints[static_cast<size_t>(kept[i])];
    fingerprints.resize(kept.size());
    batch.keep(kept);
    add_positions(batch, prepared.decoded.slice);
  }
}

}  // namespace adweave::process
