// SPDX-License-Identifier: Apache-2.0
// Rejects of a file as slices once more: their bytes at their offsets, line ends between them, so
// that a (corrected) mapping decodes them where they were and every position stays what it was.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "decode/decoder.h"
#include "engine/job.h"
#include "engine/open_rejects.h"
#include "process/prepare.h"

namespace adweave::engine {

struct RereadSource {
  const SourceJob* job = nullptr;
  std::unique_ptr<decode::Decoder> decoder;  // of content: nothing is compressed
};

// Fails with config.
Result<RereadSource> reread_source(const SourceJob& job);

// Why the bytes of a reject cannot be decoded again; empty: they can.
std::string why_left(const OpenReject& reject);

// Rejects that are decoded in one slice. They must be sorted as OpenRejects gives them.
std::vector<std::span<const OpenReject>> slices_of(std::span<const OpenReject> rejects,
                                                   const SourceJob& job);

// What decoding has made of one reject.
struct RereadResult {
  int64_t events = 0;
  std::vector<size_t> rejects;  // in prepared.decoded.rejects
  std::string left;             // why it stays as it is
  bool unchanged = false;       // it fails as it did; nothing of it is in `prepared`
  bool dropped = false;         // the configuration no longer sees a record there
  bool changes() const { return !unchanged && left.empty(); }
};

struct Reread {
  process::PreparedSlice prepared;
  std::vector<RereadResult> results;  // one a reject
  std::vector<size_t> owners;         // of prepared.decoded.rejects: the reject they are of
  int64_t changed = 0;                // rejects
};

// The reject (a place in `rejects`) that the record at `span` of its slice is of.
std::optional<size_t> owner_of(std::span<const OpenReject> rejects, const event::RecordSpan& span);

// Null: the records run into each other; decode each by itself. `head` is that of their file, if it
// was kept.
std::optional<Reread> read_again(std::span<const OpenReject> rejects, const RereadSource& source,
                                 const std::string* head, const process::PrepareRules& rules);

}  // namespace adweave::engine
