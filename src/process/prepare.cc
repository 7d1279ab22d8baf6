// SPDX-License-Identifier: Apache-2.0
#include "process/prepare.h"

#include "process/enrich/hierarchy.h"
#include "process/enrich/time_features.h"
#include "process/fingerprint.h"

namespace adweave::process {

PreparedSlice prepare(event::DecodedSlice decoded, const PrepareRules& rules) {
  PreparedSlice prepared{std::move(decoded), {}};
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
    for (int64_t row = 0; row < batch.rows; ++row) {
      batch.source_position.put(
          row, event::position_text(prepared.decoded.slice, batch.spans[static_cast<size_t>(row)]));
    }
  }
  return prepared;
}

}  // namespace adweave::process
