// SPDX-License-Identifier: Apache-2.0
#include "engine/dimension_files.h"
#include "engine/job.h"
#include "engine/sequencer.h"

namespace adweave::engine {

namespace {

// Takes the slices in order and commits each time enough input is done.
Status sequence(Feed& feed, Sequencer& sequencer, const Job& job, const RunHooks& hooks,
                int64_t total_bytes, RunReport& report) {
  SlicePipeline pipeline(
      job.threads,
      [&]() -> Result<std::optional<ReadSlice>> {
        StageTimer timer(hooks.profile, Stage::read);
        Result<std::optional<ReadSlice>> read = feed.next();
        if (read && *read) timer.add(0, (*read)->slice.file_bytes);
        return read;
      },
      [&](ReadSlice&& read) { return sequencer.prepare(std::move(read)); });
  while (true) {
    const int64_t begin = wall_clock();
    ADWEAVE_ASSIGN(std::optional<DoneSlice> slice, pipeline.next());
    if (hooks.profile != nullptr) hooks.profile->add_idle(wall_clock() - begin);
    if (!slice || !slice->prepared) break;
    report.bytes += slice->prepared->decoded.slice.file_bytes;
    ADWEAVE_TRY(sequencer.take(*std::move(slice)));
    if (hooks.progress) hooks.progress(report.bytes, total_bytes);
    if (sequencer.pending_bytes() >= job.commit_bytes) ADWEAVE_TRY(sequencer.commit());
    if (hooks.stop && hooks.stop()) break;
  }
  sequencer.schemas().end();  // or the pipeline's end would wait for them
  return sequencer.commit();
}

// From the plan to its last commit.
Result<RunReport> read_files(FileSystem& fs, const Job& job, const RunHooks& hooks,
                             const std::vector<OpenSource>& sources, ledger::LedgerWriter& writer,
                             Plan plan, state::Dimensions dimensions) {
  Sequencer sequencer(fs, job, hooks, sources, writer, std::move(dimensions));
  ADWEAVE_TRY(sequencer.recover());
  RunReport report;
  const bool is_idle = plan.files.empty();
  report.files = static_cast<int64_t>(plan.files.size());
  report.files_known = plan.files_known;
  report.first_commit = is_idle ? 0 : writer.ledger().head() + 1;
  FileFeed feed(fs, sources, sequencer.schemas(), job.slice_bytes, std::move(plan.files));
  ADWEAVE_TRY(sequence(feed, sequencer, job, hooks, plan.bytes, report));
  ADWEAVE_TRY(sequencer.keep_state());
  for (const OpenSource& source : sources) {
    const auto it = sequencer.totals().find(source.job->decoder.source);
    if (it != sequencer.totals().end()) report.counts.push_back(it->second);
  }
  report.last_commit = is_idle ? 0 : writer.ledger().head();
  ADWEAVE_ASSIGN(report.behind, sequencer.finish());
  return report;
}

}  // namespace

Result<RunReport> run(FileSystem& fs, const Job& job, const RunHooks& hooks) {
  ADWEAVE_ASSIGN(std::vector<OpenSource> sources, open_sources(fs, job));
  ADWEAVE_TRY(identify_files(fs, sources, hooks.profile));
  ADWEAVE_ASSIGN(const std::vector<DimensionFile> dimension_files, read_dimension_files(fs, job));
  ADWEAVE_ASSIGN(state::Dimensions dimensions, load_dimensions(dimension_files));

  ADWEAVE_ASSIGN(ledger::LedgerWriter writer,
                 ledger::LedgerWriter::open(
                     fs, {job.data, job.holder, job.ledger_id, job.program, job.take_over}));
  ADWEAVE_ASSIGN(Plan plan, plan_files(fs, sources, known_files(sources, writer.ledger())));
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
  ADWEAVE_ASSIGN(plan, plan_files(fs, sources, known_files(sources, writer.ledger())));
  ADWEAVE_TRY(commit_dimensions(fs, job, dimension_files, writer, hooks.now_us()));
  return read_files(fs, job, hooks, sources, writer, std::move(plan), std::move(dimensions));
}

}  // namespace adweave::engine
