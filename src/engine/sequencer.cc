// SPDX-License-Identifier: Apache-2.0
#include "engine/sequencer.h"

#include <algorithm>

#include "base/limits.h"
#include "engine/ids_folder.h"
#include "engine/recovery.h"
#include "engine/vacuum.h"

namespace adweave::engine {

Result<std::optional<Error>> why_behind(const DeltaPublisher::Published& published) {
  if (published) return std::optional<Error>();
  if (published.error().code == ErrorCode::corrupt) return std::optional(published.error());
  return published.error();
}

Sequencer::Sequencer(FileSystem& fs, const Job& job, const RunHooks& hooks,
                     const std::vector<OpenSource>& sources, ledger::LedgerWriter& writer,
                     state::Dimensions dimensions)
    : fs_(fs),
      job_(job),
      hooks_(hooks),
      sources_(sources),
      writer_(writer),
      rules_(prepare_rules(job, writer.ledger(), std::move(dimensions))),
      schemas_(hooks.trouble, hooks.stop),
      recent_(writer.ledger(), hooks.profile),
      publisher_(fs, job.data, hooks.profile),
      published_at_(hooks.now_us()),
      builder_(hooks.profile) {}

Status Sequencer::recover() {
  const StageTimer timer(hooks_.profile, Stage::recover);
  ADWEAVE_ASSIGN(state_, load_state(fs_, job_, writer_.ledger()));
  return {};
}

Status Sequencer::keep_state() {
  const StageTimer timer(hooks_.profile, Stage::keep_state);
  snapshot_.reset();
  return save_state(fs_, job_.data, writer_.ledger(), *state_);
}

// So that a start after a kill has few rows to read. One of many ids takes long: it is rarer.
Status Sequencer::keep_state_by_and_by() {
  if (!snapshot_) {
    const int64_t many = state_->ids.size() / limits::kLiveSnapshotShare;
    if (rows_not_kept_ < std::max(job_.snapshot_rows, many)) return {};
    if (state_->ids.is_moving() && !state_->ids.is_moved()) return {};
  }
  const StageTimer timer(hooks_.profile, Stage::keep_state);
  if (!snapshot_) {
    ADWEAVE_TRY(end_move(fs_, job_.data, writer_.epoch(), *state_));
    ADWEAVE_ASSIGN(snapshot_, SnapshotWriter::begin(fs_, job_.data, writer_.ledger(), *state_));
    rows_not_kept_ = 0;
  }
  ADWEAVE_ASSIGN(const bool is_whole, snapshot_->go_on(job_.snapshot_step_bytes));
  if (is_whole) snapshot_.reset();
  return {};
}

std::unique_ptr<process::PreparedSlice> Sequencer::decode(ReadSlice& read) {
  StageTimer timer(hooks_.profile, Stage::decode);
  const OpenSource& source = sources_[read.work->source];
  std::unique_ptr<process::PreparedSlice> prepared =
      schemas_.decode(*source.job, *source.decoder, std::move(read.slice));
  if (!prepared) return nullptr;
  const event::Slice& slice = prepared->decoded.slice;
  timer.add(prepared->decoded.records_read, static_cast<int64_t>(slice.bytes->size()));
  return prepared;
}

DoneSlice Sequencer::prepare(ReadSlice read) {
  std::unique_ptr<process::PreparedSlice> prepared = decode(read);
  if (!prepared) return {};
  StageTimer timer(hooks_.profile, Stage::prepare);
  timer.add(rows_of(prepared->decoded), 0);
  process::prepare(*prepared, rules_);
  return {std::move(read.work), read.step, std::move(read.deliveries), std::move(prepared)};
}

// Goes on in what the last slice was of, or begins anew.
Status Sequencer::begin(const std::shared_ptr<const WorkFile>& work) {
  if (work_ == work) return {};
  work_ = work;
  occurrences_.clear();
  if (work->resume.begin == 0) return {};
  ADWEAVE_ASSIGN(occurrences_, rebuild_occurrences(fs_, job_.data, writer_.ledger(),
                                                   sources_[work->source].job->decoder.source,
                                                   *work->resume.before));
  return {};
}

Result<SliceCounts> Sequencer::take(DoneSlice slice) {
  ADWEAVE_TRY(begin(slice.work));
  const SourceJob& source = *sources_[slice.work->source].job;
  SliceCounts counts =
      builder_.add(std::move(slice), source, writer_.ledger().head() + 1, *state_, occurrences_);
  rows_not_kept_ += counts.all.received();
  return counts;
}

Status Sequencer::commit() {
  if (builder_.empty()) return {};
  ADWEAVE_TRY(builder_.commit(fs_, job_, writer_, *state_, hooks_.now_us(), totals_));
  builder_ = CommitBuilder(hooks_.profile);
  ADWEAVE_TRY(merge());
  ADWEAVE_TRY(publish());
  const StageTimer timer(hooks_.profile, Stage::keep_state);
  if (snapshot_ && !snapshot_->has_ids()) return {};
  return bound_ids(fs_, job_, writer_.ledger().head(), writer_.epoch(), *state_);
}

Status Sequencer::tend() {
  if (hooks_.merges_beside) ADWEAVE_TRY(merge());
  return publish();
}

Status Sequencer::merge() {
  return hooks_.merges_beside
             ? recent_.merge_beside(fs_, writer_, options(), hooks_.now_us())
             : recent_.merge(fs_, writer_, options(), job_.threads, hooks_.now_us());
}

// Beside what follows, if there is a thread for it.
Status Sequencer::publish() {
  const int64_t now = hooks_.now_us();
  if (publisher_.is_published()) ADWEAVE_TRY(end_publication(publisher_.end(), now));
  if (publisher_.is_publishing() || now - published_at_ < limits::kDeltaPublishUs) return {};
  if (published_ == writer_.ledger().head()) return {};
  published_at_ = now;
  published_ = writer_.ledger().head();
  if (job_.threads == 1) return end_publication(publisher_.publish(writer_.ledger(), now), now);
  publisher_.begin(writer_.ledger(), now);
  return {};
}

Status Sequencer::rest() {
  ADWEAVE_TRY(recent_.end_merge(fs_, writer_, hooks_.now_us()));
  return publisher_.is_publishing() ? end_publication(publisher_.end(), hooks_.now_us()) : Status();
}

// What other programs are not told of any more can go.
Status Sequencer::end_publication(const DeltaPublisher::Published& published, int64_t now) {
  ADWEAVE_ASSIGN(const std::optional<Error> behind, why_behind(published));
  return behind ? Status() : vacuum_merged(fs_, job_.data, writer_, published_, now);
}

Result<std::optional<Error>> Sequencer::finish() {
  ADWEAVE_TRY(recent_.end_merge(fs_, writer_, hooks_.now_us()));
  if (publisher_.is_publishing()) ADWEAVE_TRY(why_behind(publisher_.end()));
  return why_behind(publisher_.publish(writer_.ledger(), hooks_.now_us()));
}

lake::WriteOptions Sequencer::options() const {
  return {job_.data, writer_.epoch(), writer_.ledger().head() + 1, writer_.ledger().ledger_id(),
          job_.program};
}

}  // namespace adweave::engine
