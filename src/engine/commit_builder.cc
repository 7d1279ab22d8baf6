// SPDX-License-Identifier: Apache-2.0
#include "engine/commit_builder.h"

#include <algorithm>
#include <set>

#include "base/base64.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/parallel.h"
#include "lake/table_writer.h"
#include "process/rejects.h"

namespace adweave::engine {

SliceCounts CommitBuilder::add(DoneSlice slice, const SourceJob& source, int64_t commit,
                               state::State& state, process::Occurrences& occurrences) {
  event::DecodedSlice& decoded = slice.prepared->decoded;
  const std::string& name = decoded.slice.source;
  add_position(source, slice.work->file, slice.step);
  process::SourceSums& sums = sums_of(name);

  std::stable_sort(
      decoded.rejects.begin(), decoded.rejects.end(), [](const auto& a, const auto& b) {
        return std::pair(a.span.offset, a.span.element) < std::pair(b.span.offset, b.span.element);
      });
  for (const event::Reject& reject : decoded.rejects)
    process::add_reject(rejects_, decoded.slice, reject);
  if (!decoded.rejects.empty()) keep_head(name, decoded.slice);
  sums.records_read += decoded.records_read;
  const std::string end = decoded.slice.file + ":" + std::to_string(decoded.slice.end);
  if (sums.position_before.empty()) {
    sums.position_before = decoded.slice.file + ":" + std::to_string(decoded.slice.begin);
  }
  sums.position_after = end;
  bytes_ += static_cast<int64_t>(decoded.slice.bytes->size());
  SliceCounts counted =
      take(*slice.prepared, {commit, source.mapping, source.deduplicate}, sums, state, occurrences);
  counted.all.source = name;
  counted.all.records_read = decoded.records_read;
  return counted;
}

void CommitBuilder::add_replayed(process::PreparedSlice prepared, const SourceJob& source,
                                 const ledger::SourcePosition& read, int64_t records,
                                 int64_t commit, state::State& state,
                                 process::Occurrences& occurrences) {
  const event::Slice& slice = prepared.decoded.slice;
  const std::string counted = std::string(ledger::kReplayPrefix) + slice.source;
  kind_ = "replay";
  const bool known = std::any_of(positions_.begin(), positions_.end(), [&](const auto& position) {
    return position.source == counted && position.hash == read.hash && position.file == read.file;
  });
  if (!known) {
    positions_.push_back(read);
    positions_.back().source = counted;
    positions_.back().mapping = source.mapping;
  }
  if (!prepared.decoded.rejects.empty()) keep_head(slice.source, slice);
  process::SourceSums& sums = sums_of(counted);
  sums.records_read += records;
  sums.position_after = slice.file + ":" + std::to_string(slice.begin);
  if (sums.position_before.empty()) sums.position_before = sums.position_after;
  // A slice of a few rows takes memory of its own.
  bytes_ += std::max(slice.end - slice.begin, limits::kSliceBytes / 128);
  take(prepared, {commit, source.mapping, source.deduplicate}, sums, state, occurrences);
}

process::SourceSums& CommitBuilder::sums_of(const std::string& counted) {
  if (!sums_.contains(counted)) sources_.push_back(counted);
  return sums_[counted];
}

// Deduplicates the slice, counts what became of its events and takes what is left.
SliceCounts CommitBuilder::take(process::PreparedSlice& prepared,
                                const process::DedupContext& context, process::SourceSums& sums,
                                state::State& state, process::Occurrences& occurrences) {
  event::DecodedSlice& decoded = prepared.decoded;
  SliceCounts counts;
  {
    StageTimer timer(profile_, Stage::deduplicate);
    timer.add(rows_of(decoded), 0);
    counts.pieces =
        process::deduplicate(prepared, context, state, occurrences, duplicates_, rejects_);
  }
  for (const process::DedupCounts& piece : counts.pieces) {
    counts.all.accepted += piece.accepted;
    counts.all.duplicate += piece.duplicate;
    counts.all.conflict += piece.conflict;
  }
  counts.all.rejected = static_cast<int64_t>(decoded.rejects.size());
  sums.accepted += counts.all.accepted;
  sums.duplicate += counts.all.duplicate;
  sums.conflict += counts.all.conflict;
  sums.rejected += counts.all.rejected;
  sums.latest_receipt = std::max(sums.latest_receipt, decoded.slice.received_time);
  ++slices_;
  last_ = batches_.size();
  for (event::Batch& batch : decoded.batches) {
    if (batch.rows == 0) continue;
    process::add_money(sums, batch);
    batches_.push_back(std::make_unique<event::Batch>(std::move(batch)));
  }
  return counts;
}

// The rejects of the slice can be decoded again only with the head of their file.
void CommitBuilder::keep_head(const std::string& source, const event::Slice& slice) {
  if (!slice.head || slice.head->empty()) return;
  if (static_cast<int64_t>(slice.head->size()) > limits::kFileHeadBytesMax) return;
  const bool known = std::any_of(heads_.begin(), heads_.end(), [&](const auto& head) {
    return head.source == source && head.file == slice.file;
  });
  if (!known) heads_.push_back({source, slice.file, to_hex(hash128(*slice.head)), *slice.head});
}

// The heads as a record holds them: the bytes of those that no record has yet.
std::vector<ledger::FileHead> CommitBuilder::new_heads(const ledger::Ledger& ledger) const {
  std::vector<ledger::FileHead> heads;
  std::set<std::string> written;
  for (const ledger::FileHead& head : heads_) {
    const bool known = ledger.has_file_head(head.hash) || written.contains(head.hash);
    if (!known && static_cast<int64_t>(written.size()) >= limits::kFileHeadsPerCommitMax) continue;
    heads.push_back(head);
    heads.back().bytes = known ? "" : encode_base64(head.bytes);
    if (!known) written.insert(head.hash);
  }
  return heads;
}

void CommitBuilder::add_position(const SourceJob& source, const source::SourceFile& file,
                                 const PositionStep& step) {
  const std::string& name = source.decoder.source;
  const auto [it, added] = position_of_.try_emplace({name, file.hash}, positions_.size());
  if (added) {
    positions_.push_back(
        {name, file.name, file.size, file.hash, step.before, step.before, source.mapping, 0});
  }
  ledger::SourcePosition& position = positions_[it->second];
  position.after = step.after;
  if (step.done) position.done = 1;
  position.mark = step.mark;
}

// The tables that have rows, each in parts.
std::vector<CommitBuilder::Parts> CommitBuilder::table_parts() const {
  std::vector<Parts> tables;
  for (const event::Kind kind : event::kAllKinds) {
    Parts parts;
    for (const auto& batch : batches_) {
      if (batch->kind == kind) parts.push_back(event::table_rows(*batch));
    }
    if (!parts.empty()) tables.push_back(std::move(parts));
  }
  for (const event::TableRows& rows :
       {event::table_rows(attribution_.credits), event::table_rows(attribution_.facts),
        event::table_rows(rejects_), event::table_rows(duplicates_), event::table_rows(audit_)}) {
    if (rows.rows > 0) tables.push_back({rows});
  }
  return tables;
}

void CommitBuilder::attribute(const Job& job, std::optional<int64_t> closed_through,
                              state::State& state) {
  StageTimer timer(profile_, Stage::attribute);
  std::vector<event::Batch*> batches;
  for (const auto& batch : batches_) {
    batches.push_back(batch.get());
    timer.add(batch->rows, 0);
  }
  attribution_ = process::attribute(batches, job.attribution, closed_through, state);
}

Status CommitBuilder::commit(FileSystem& fs, const Job& job, ledger::LedgerWriter& writer,
                             state::State& state, int64_t now,
                             std::map<std::string, ledger::Counts>& totals) {
  attribute(job, writer.ledger().closed_through(), state);
  for (const std::string& source : sources_) process::add_audit(audit_, source, sums_[source]);

  const lake::WriteOptions options{job.data, writer.epoch(), writer.ledger().head() + 1,
                                   writer.ledger().ledger_id(), job.program};
  const std::vector<Parts> tables = table_parts();
  std::vector<Result<std::vector<event::DataFile>>> files(tables.size(), Error{});
  run_parallel(tables.size(), job.threads, [&](size_t i) {
    StageTimer timer(profile_, Stage::write);
    files[i] = lake::write_table(fs, options, tables[i]);
    if (!files[i]) return;
    for (const event::DataFile& file : *files[i]) timer.add(file.rows, file.bytes);
  });

  ledger::CommitRecord record;
  record.kind = kind_;
  record.committed_at = now;
  record.configuration = job.configuration;
  record.positions = positions_;
  record.heads = new_heads(writer.ledger());
  for (const std::string& source : sources_) {
    const process::SourceSums& sums = sums_[source];
    record.counts.push_back(
        {source, sums.records_read, sums.accepted, sums.duplicate, sums.conflict, sums.rejected});
    ledger::Counts& total = totals[source];
    total.source = source;
    total.add(record.counts.back());
  }
  for (auto& written : files) {
    if (!written) return std::move(written).error();
    record.added.insert(record.added.end(), written->begin(), written->end());
  }
  const StageTimer timer(profile_, Stage::commit);
  return writer.append(std::move(record));
}

}  // namespace adweave::engine
