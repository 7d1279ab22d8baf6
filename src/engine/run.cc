// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/commit_builder.h"
#include "engine/dimension_files.h"
#include "engine/ids_folder.h"
#include "engine/job.h"
#include "engine/plan.h"
#include "engine/publish_delta.h"
#include "engine/recent_files.h"
#include "engine/recovery.h"
#include "engine/slice_pipeline.h"
#include "engine/vacuum.h"
#include "source/slice_reader.h"

namespace adweave::engine {

namespace {

// A damaged Delta log stops no run: why it stays behind.
Result<std::optional<Error>> why_behind(const DeltaPublisher::Published& published) {
  if (published) return std::optional<Error>();
  if (published.error().code == ErrorCode::corrupt) return std::optional(published.error());
  return published.error();
}

// One run, from its plan to its last commit.
class Run {
 public:
  Run(FileSystem& fs, const Job& job, const RunHooks& hooks, const std::vector<OpenSource>& sources,
      ledger::LedgerWriter& writer, Plan plan, state::Dimensions dimensions)
      : fs_(fs),
        job_(job),
        hooks_(hooks),
        sources_(sources),
        writer_(writer),
        plan_(std::move(plan)),
        rules_(prepare_rules(job, writer.ledger(), std::move(dimensions))),
        recent_(writer.ledger(), hooks.profile),
        publisher_(fs, job.data, hooks.profile),
        published_at_(hooks.now_us()) {}

  Result<RunReport> run() {
    ADWEAVE_TRY(recover());
    report_.files = static_cast<int64_t>(plan_.files.size());
    report_.files_known = plan_.files_known;
    report_.first_commit = plan_.files.empty() ? 0 : writer_.ledger().head() + 1;
    ADWEAVE_TRY(sequence());
    ADWEAVE_TRY(keep_state());
    for (const OpenSource& source : sources_) {
      const auto it = totals_.find(source.job->decoder.source);
      if (it != totals_.end()) report_.counts.push_back(it->second);
    }
    report_.last_commit = plan_.files.empty() ? 0 : writer_.ledger().head();
    if (publisher_.is_publishing()) ADWEAVE_TRY(why_behind(publisher_.end()));
    ADWEAVE_ASSIGN(report_.behind,
                   why_behind(publisher_.publish(writer_.ledger(), hooks_.now_us())));
    return report_;
  }

 private:
  Status recover() {
    const StageTimer timer(hooks_.profile, Stage::recover);
    ADWEAVE_ASSIGN(state_, load_state(fs_, job_, writer_.ledger()));
    return {};
  }

  Status keep_state() {
    const StageTimer timer(hooks_.profile, Stage::keep_state);
    return save_state(fs_, job_.data, writer_.ledger(), *state_);
  }

  // Takes the slices in order and commits each time enough input is done.
  Status sequence() {
    SlicePipeline pipeline(
        job_.threads, [this] { return read(); },
        [this](ReadSlice&& read) { return prepare(decode(std::move(read))); });
    CommitBuilder builder(hooks_.profile);
    while (true) {
      ADWEAVE_ASSIGN(std::optional<DoneSlice> slice, next(pipeline));
      if (!slice) break;
      ADWEAVE_TRY(take(std::move(*slice), builder));
      if (builder.bytes() >= job_.commit_bytes) ADWEAVE_TRY(commit(builder));
      if (hooks_.stop && hooks_.stop()) break;
    }
    return builder.empty() ? Status() : commit(builder);
  }

  Result<std::optional<DoneSlice>> next(SlicePipeline& pipeline) const {
    if (hooks_.profile == nullptr) return pipeline.next();
    const int64_t begin = wall_clock();
    Result<std::optional<DoneSlice>> slice = pipeline.next();
    hooks_.profile->add_idle(wall_clock() - begin);
    return slice;
  }

  event::DecodedSlice decode(ReadSlice&& read) const {
    StageTimer timer(hooks_.profile, Stage::decode);
    const OpenSource& source = sources_[plan_.files[read.work].source];
    event::DecodedSlice decoded = source.decoder->decode(std::move(read.slice));
    timer.add(decoded.records_read, decoded.slice.end - decoded.slice.begin);
    return decoded;
  }

  process::PreparedSlice prepare(event::DecodedSlice decoded) const {
    StageTimer timer(hooks_.profile, Stage::prepare);
    timer.add(rows_of(decoded), 0);
    return process::prepare(std::move(decoded), rules_);
  }

  // The next slice of the planned files; called by one worker at a time.
  Result<std::optional<ReadSlice>> read() {
    StageTimer timer(hooks_.profile, Stage::read);
    for (; reading_ < plan_.files.size(); ++reading_, reader_.reset()) {
      const WorkFile& work = plan_.files[reading_];
      const OpenSource& source = sources_[work.source];
      if (!reader_) {
        auto opened =
            source::SliceReader::open(fs_, work.file, source.job->decoder.source, work.resume.begin,
                                      job_.slice_bytes, format_of(*source.decoder), buffers_);
        if (!opened)
          return std::move(opened).error().within("source " + source.job->decoder.source);
        reader_ = *std::move(opened);
      }
      ADWEAVE_ASSIGN(std::optional<event::Slice> slice, reader_->next());
      if (!slice) continue;
      timer.add(0, slice->file_bytes);
      return std::optional<ReadSlice>({reading_, std::move(*slice)});
    }
    return std::optional<ReadSlice>();
  }

  Status take(DoneSlice slice, CommitBuilder& builder) {
    const WorkFile& work = plan_.files[slice.work];
    const SourceJob& source = *sources_[work.source].job;
    if (!sequencing_ || *sequencing_ != slice.work) {
      sequencing_ = slice.work;
      occurrences_.clear();
      if (work.resume.begin > 0) {
        ADWEAVE_ASSIGN(occurrences_,
                       rebuild_occurrences(fs_, job_.data, writer_.ledger(), source.decoder.source,
                                           *work.resume.before));
      }
    }
    report_.bytes += slice.prepared.decoded.slice.file_bytes;
    builder.add(std::move(slice.prepared), source, work.file, writer_.ledger().head() + 1, *state_,
                occurrences_);
    if (hooks_.progress) hooks_.progress(report_.bytes, plan_.bytes);
    return {};
  }

  Status commit(CommitBuilder& builder) {
    ADWEAVE_TRY(builder.commit(fs_, job_, writer_, *state_, hooks_.now_us(), totals_));
    builder = CommitBuilder(hooks_.profile);
    ADWEAVE_TRY(recent_.merge(fs_, writer_, options(), job_.threads, hooks_.now_us()));
    ADWEAVE_TRY(publish());
    const StageTimer timer(hooks_.profile, Stage::keep_state);
    return bound_ids(fs_, job_, writer_.ledger().head(), writer_.epoch(), *state_);
  }

  // Now and then, beside what follows if there is a thread for it.
  Status publish() {
    const int64_t now = hooks_.now_us();
    if (publisher_.is_published()) ADWEAVE_TRY(end_publication(publisher_.end(), now));
    if (publisher_.is_publishing() || now - published_at_ < limits::kDeltaPublishUs) return {};
    published_at_ = now;
    publishing_ = writer_.ledger().head();
    if (job_.threads == 1) return end_publication(publisher_.publish(writer_.ledger(), now), now);
    publisher_.begin(writer_.ledger(), now);
    return {};
  }

  // What other programs are not told of any more can go.
  Status end_publication(const DeltaPublisher::Published& published, int64_t now) {
    ADWEAVE_ASSIGN(const std::optional<Error> behind, why_behind(published));
    return behind ? Status() : vacuum_merged(fs_, job_.data, writer_, publishing_, now);
  }

  lake::WriteOptions options() const {
    return {job_.data, writer_.epoch(), writer_.ledger().head() + 1, writer_.ledger().ledger_id(),
            job_.program};
  }

  FileSystem& fs_;
  const Job& job_;
  const RunHooks& hooks_;
  const std::vector<OpenSource>& sources_;
  ledger::LedgerWriter& writer_;
  Plan plan_;
  process::PrepareRules rules_;
  RecentFiles recent_;
  DeltaPublisher publisher_;
  int64_t published_at_;    // microseconds UTC
  int64_t publishing_ = 0;  // the commit that the publication under way is as of
  std::unique_ptr<state::State> state_;

  source::SliceBuffers buffers_;
  size_t reading_ = 0;  // planned file that is being read
  std::optional<source::SliceReader> reader_;
  std::optional<size_t> sequencing_;  // planned file that is being sequenced
  process::Occurrences occurrences_;
  std::map<std::string, ledger::Counts> totals_;
  RunReport report_;
};

}  // namespace

Result<RunReport> run(FileSystem& fs, const Job& job, const RunHooks& hooks) {
  ADWEAVE_ASSIGN(std::vector<OpenSource> sources, open_sources(fs, job));
  ADWEAVE_TRY(identify_files(fs, sources, hooks.profile));
  ADWEAVE_ASSIGN(const std::vector<DimensionFile> dimension_files, read_dimension_files(fs, job));
  ADWEAVE_ASSIGN(state::Dimensions dimensions, load_dimensions(dimension_files));

  ADWEAVE_ASSIGN(ledger::LedgerWriter writer,
                 ledger::LedgerWriter::open(
                     fs, {job.data, job.holder, job.ledger_id, job.program, job.take_over}));
  ADWEAVE_ASSIGN(Plan plan, plan_files(fs, sources, writer.ledger()));
  const bool idle =
      plan.files.empty() && changed_dimensions(dimension_files, writer.ledger()).empty();
  if (idle && !job.take_over) {
    RunReport report;
    report.files_known = plan.files_known;
    ADWEAVE_ASSIGN(report.behind,
                   why_behind(publish_delta(fs, job.data, writer.ledger(), hooks.now_us())));
    return report;
  }
  ADWEAVE_TRY(writer.begin_epoch(hooks.now_us()));
  // A writer that was taken over may have got one more commit in: plan afresh.
  ADWEAVE_ASSIGN(plan, plan_files(fs, sources, writer.ledger()));
  const auto changed = changed_dimensions(dimension_files, writer.ledger());
  if (!changed.empty()) ADWEAVE_TRY(commit_dimensions(fs, job, changed, writer, hooks.now_us()));
  return Run(fs, job, hooks, sources, writer, std::move(plan), std::move(dimensions)).run();
}

}  // namespace adweave::engine
