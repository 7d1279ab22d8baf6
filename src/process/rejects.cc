// SPDX-License-Identifier: Apache-2.0
#include "process/rejects.h"

#include <algorithm>

#include "base/limits.h"

namespace adweave::process {

namespace {

// What every row of the table has; returns its number.
int64_t add_row(event::RejectRows& rows, const event::Slice& slice, const event::RecordSpan& span,
                std::string_view outcome) {
  const int64_t row = rows.rows++;
  const std::string_view record =
      std::string_view(*slice.bytes)
          .substr(static_cast<size_t>(span.offset), static_cast<size_t>(span.length));
  rows.outcome.put(row, outcome);
  rows.source.put(row, slice.source);
  rows.source_position.put(row, event::position_text(slice, span));
  rows.raw.put(row, record.substr(0, static_cast<size_t>(limits::kRejectRawBytesMax)));
  rows.raw_length.put(row, span.length);
  rows.raw_hash.put(row, to_hex(hash128(record)));
  rows.first_seen.put(row, event::PieceCursor(slice).received_time(span.offset));
  rows.attempt.put(row, 1);
  rows.state.put(row, "open");
  rows.sign.put(row, 1);
  return row;
}

}  // namespace

void add_reject(event::RejectRows& rows, const event::Slice& slice, const event::Reject& reject) {
  const int64_t row = add_row(rows, slice, reject.span, "rejected");
  rows.reason.put(row, event::reason_name(reject.reason));
  if (!reject.rule.empty()) rows.rule.put(row, reject.rule);
  rows.message.put(row, reject.message);
  if (reject.kind) rows.kind.put(row, event::kind_name(*reject.kind));
}

void add_conflict(event::RejectRows& rows, const event::Slice& slice, const event::Batch& batch,
                  int64_t row, std::string_view first_position) {
  const int64_t at = add_row(rows, slice, batch.spans[static_cast<size_t>(row)], "conflict");
  rows.reason.put(at, "conflict");
  rows.rule.put(at, "event_id");
  rows.message.put(at, "event_id " + event::quoted(batch.event_id[row]) + " has other content at " +
                           std::string(first_position));
  rows.kind.put(at, event::kind_name(batch.kind));
  rows.event_id.put(at, batch.event_id[row], batch.event_id.hash(row));
}

}  // namespace adweave::process
