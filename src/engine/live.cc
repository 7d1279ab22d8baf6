// SPDX-License-Identifier: Apache-2.0
#include "engine/live.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>
#include <tuple>

#include "base/background_thread.h"
#include "engine/dimension_files.h"
#include "engine/index_follower.h"
#include "engine/kafka_publisher.h"
#include "engine/live_feed.h"
#include "engine/sequencer.h"
#include "source/kafka_mark.h"

namespace adweave::engine {

namespace {

class Server : public Live {
 public:
  Server(FileSystem& fs, Job job, LiveHooks hooks)
      : fs_(fs), job_(std::move(job)), live_(std::move(hooks)) {
    hooks_.now_us = live_.now_us;
    hooks_.trouble = live_.trouble;
    hooks_.merges_beside = job_.threads > 1;
  }

  ~Server() override { is_ending_ = true; }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  Status begin() {
    ADWEAVE_ASSIGN(sources_, make_decoders(job_));
    ADWEAVE_ASSIGN(const std::vector<DimensionFile> files, read_dimension_files(fs_, job_));
    ADWEAVE_ASSIGN(state::Dimensions dimensions, load_dimensions(files));
    ADWEAVE_ASSIGN(ledger::LedgerWriter writer,
                   ledger::LedgerWriter::open(fs_, {job_.data, job_.holder, job_.ledger_id,
                                                    job_.program, job_.take_over}));
    writer_ = std::make_unique<ledger::LedgerWriter>(std::move(writer));
    ADWEAVE_TRY(writer_->begin_epoch(live_.now_us()));
    ADWEAVE_TRY(commit_dimensions(fs_, job_, files, *writer_, live_.now_us()));
    ADWEAVE_ASSIGN(paused_, source::PausedSources::open(fs_, job_.data));
    from_ = journal_resume(writer_->ledger());
    ADWEAVE_ASSIGN(journal_,
                   source::Journal::open(fs_, join_path(job_.data, "journal"), {.committed = from_},
                                         [this] { return writer_->check_lock(); }));
    ADWEAVE_TRY(open_kafka());
    if (job_.kafka_produce.is_on()) {
      ADWEAVE_ASSIGN(publisher_, KafkaPublisher::start(fs_, job_, writer_->ledger(), trouble()));
    }
    if (job_.lookup_days > 0) {
      ADWEAVE_ASSIGN(index_, IndexFollower::start(fs_, job_.data, writer_->ledger(),
                                                  job_.lookup_days, {live_.now_us, trouble()}));
    }
    sequencer_ =
        std::make_unique<Sequencer>(fs_, job_, hooks_, sources_, *writer_, std::move(dimensions));
    archiver_ =
        std::make_unique<BackgroundThread>(limits::kJournalArchiveUs, [this] { archive(); });
    return {};
  }

  source::Journal& journal() override { return *journal_; }
  Status check_lock() const override { return writer_->check_lock(); }
  source::PausedSources& paused() override { return *paused_; }
  source::JournalPosition committed_through() const override { return from_; }
  Status ask(Work work) override { return wait_for(std::move(work), true); }
  Status step(Work work) override { return wait_for(std::move(work), false); }

  std::vector<source::KafkaPartition> kafka() const override {
    return kafka_ ? kafka_->partitions() : std::vector<source::KafkaPartition>();
  }

  std::optional<source::KafkaProduced> produced() const override {
    return publisher_ ? std::optional(publisher_->status()) : std::nullopt;
  }
  const lookup::Index* index() const override { return index_ ? &index_->index() : nullptr; }

  Status run() override {
    const Status ran = run_to_end();
    refuse_asked();
    return ran;
  }

 private:
  struct Asked {
    Work work;
    bool alone;  // nothing may go on beside it
    std::promise<bool>* done;
  };

  Status wait_for(Work work, bool alone) {
    std::promise<bool> done;
    {
      const std::lock_guard guard(asked_mutex_);
      if (has_ended_) return ended();
      asked_.push_back({std::move(work), alone, &done});
    }
    return done.get_future().get() ? Status() : Status(ended());
  }

  static Error ended() { return {ErrorCode::io, "the server has ended", "ask again"}; }

  Status run_to_end() {
    ADWEAVE_TRY(sequencer_->recover());
    if (live_.ready) live_.ready();
    JournalFeed deliveries(job_, sources_, *journal_, from_);
    FolderFeed files(fs_, job_, sources_, sequencer_->schemas(),
                     known_files(sources_, writer_->ledger()), live_.steady_us, trouble(),
                     *paused_);
    std::optional<KafkaFeed> messages;
    if (kafka_) messages.emplace(job_, sources_, sequencer_->schemas(), *kafka_, *paused_);
    LiveFeed feed(*journal_, deliveries, files, messages ? &*messages : nullptr);
    ADWEAVE_TRY(sequence(feed));
    ADWEAVE_TRY(commit());
    ADWEAVE_TRY(sequencer_->keep_state());
    ADWEAVE_TRY(sequencer_->finish());
    return {};
  }

  // Does what was asked for. Nothing is pending then, and nobody else reads or writes the ledger.
  Status do_asked() {
    std::vector<Asked> asked;
    {
      const std::lock_guard guard(asked_mutex_);
      asked.swap(asked_);
    }
    Status status;
    for (const Asked& each : asked) {
      if (status && each.alone) status = sequencer_->rest();
      const bool can_go_on = status.has_value();
      if (can_go_on) status = each.work(*writer_);
      each.done->set_value(can_go_on);
    }
    return status;
  }

  void refuse_asked() {
    const std::lock_guard guard(asked_mutex_);
    has_ended_ = true;
    for (const Asked& each : asked_) each.done->set_value(false);
    asked_.clear();
  }

  std::function<void(const Error&)> trouble() const {
    return [this](const Error& error) {
      if (live_.trouble) live_.trouble(error);
    };
  }

  Status open_kafka() {
    std::vector<source::KafkaTopic> topics;
    for (const SourceJob& source : job_.sources) {
      if (source.kafka) topics.push_back(*source.kafka);
    }
    if (topics.empty()) return {};
    ADWEAVE_ASSIGN(kafka_,
                   source::KafkaLog::open(job_.kafka, std::move(topics),
                                          kafka_progress(job_, writer_->ledger()), trouble()));
    return {};
  }

  // Archives what is committed of the journal. What fails is tried again the next time.
  void archive() {
    Result<bool> archived = true;
    while (archived && *archived && !is_ending_) archived = journal_->archive_next();
    if (!archived) trouble()(archived.error());
  }

  // So that tools that watch the group see where we are.
  Status tell_kafka(int64_t commit) {
    if (!kafka_) return {};
    ADWEAVE_ASSIGN(const ledger::CommitRecord record, writer_->ledger().record(commit));
    for (const ledger::SourcePosition& position : record.positions) {
      if (const auto id = source::parse_kafka_partition(position.file))
        kafka_->committed({id->topic, id->partition, position.after, position.mark});
    }
    return {};
  }

  static int64_t clock_us() { return wall_clock() / 1000; }

  // Commits when there is something and the last commit was long enough ago. Ends when it is told
  // to, between two deliveries.
  Status sequence(LiveFeed& feed) {
    SlicePipeline pipeline(
        job_.threads, [&] { return feed.next(); },
        [&](ReadSlice&& read) { return sequencer_->prepare(std::move(read)); });
    const Status status = take_all(pipeline, feed);
    feed.stop();  // before the pipeline's end, which waits for it
    sequencer_->schemas().end();
    return status;
  }

  Status take_all(SlicePipeline& pipeline, LiveFeed& feed) {
    int64_t due = clock_us();
    while (true) {
      const int64_t patience =
          sequencer_->is_empty() ? limits::kLivePatienceUs : std::max<int64_t>(due - clock_us(), 0);
      ADWEAVE_ASSIGN(SlicePipeline::Waited next,
                     pipeline.next(std::chrono::microseconds(patience)));
      if (next.ended) return {};
      if (next.slice && !next.slice->prepared) return end_within();
      if (next.slice) ADWEAVE_TRY(take(*std::move(next.slice)));
      const bool enough = sequencer_->pending_bytes() >= job_.commit_bytes;
      if (is_whole_ && !sequencer_->is_empty() && (enough || clock_us() >= due)) {
        ADWEAVE_TRY(commit());
        due = clock_us() + limits::kLiveCommitUs;
      }
      if (sequencer_->is_empty()) {
        ADWEAVE_TRY(do_asked());
        ADWEAVE_TRY(sequencer_->tend());
        ADWEAVE_TRY(sequencer_->keep_state_by_and_by());
        if (publisher_) publisher_->committed(writer_->ledger().head());
        if (index_) index_->offer(writer_->ledger());
      }
      // Only a start afresh makes a journal whole again; what is durable is committed then.
      if (const auto broken = journal_->broken()) return *broken;
      if (live_.stop && live_.stop()) {
        feed.stop();
        sequencer_->schemas().end();
      }
    }
  }

  // It was told to end while it waited for a schema registry.
  Status end_within() const {
    if (is_whole_) return {};
    return Error{ErrorCode::io, "the server ended while it waited for a schema registry",
                 "start it again: what was not committed is read again"};
  }

  Status take(DoneSlice slice) {
    const PositionStep step = slice.step;
    const int64_t received = slice.prepared->decoded.slice.received_time;
    const size_t first = add_deliveries(slice.deliveries);
    add_rejects(slice.prepared->decoded, first);
    ADWEAVE_ASSIGN(const SliceCounts counts, sequencer_->take(std::move(slice)));
    is_whole_ = step.whole;
    ledger::Counts& sum = counts_[counts.all.source];
    sum.source = counts.all.source;
    sum.add(counts.all);
    done_.latest_receipt = std::max(done_.latest_receipt, received);
    for (size_t i = first; i < done_.deliveries.size(); ++i) {
      ledger::DeliveryOutcome& outcome = done_.deliveries[i];
      const process::DedupCounts& piece = counts.pieces[i - first];
      outcome.accepted += piece.accepted;
      outcome.duplicate += piece.duplicate;
      outcome.conflict += piece.conflict;
    }
    if (first < done_.deliveries.size()) {
      const int64_t segment = done_.deliveries.back().segment;
      std::tie(done_.segment, done_.offset) =
          std::max(std::pair(done_.segment, done_.offset), std::pair(segment, step.after));
    }
    return {};
  }

  // Where in done_.deliveries those of a slice begin; it may go on in the last one there.
  size_t add_deliveries(const std::vector<source::JournalPosition>& deliveries) {
    std::vector<ledger::DeliveryOutcome>& all = done_.deliveries;
    const bool goes_on = !all.empty() && !deliveries.empty() &&
                         all.back().segment == deliveries.front().segment &&
                         all.back().offset == deliveries.front().offset;
    const size_t first = all.size() - (goes_on ? 1 : 0);
    for (size_t i = goes_on ? 1 : 0; i < deliveries.size(); ++i) {
      ledger::DeliveryOutcome& outcome = all.emplace_back();
      outcome.segment = deliveries[i].segment;
      outcome.offset = deliveries[i].offset;
    }
    return first;
  }

  // Rejects by reason, and by delivery, if the slice is of some: they begin at `first`.
  void add_rejects(const event::DecodedSlice& decoded, size_t first) {
    event::PieceCursor pieces(decoded.slice);
    for (const event::Reject& reject : decoded.rejects) {
      ++rejected_[std::string(event::reason_name(reject.reason))];
      if (first == done_.deliveries.size()) continue;
      ledger::DeliveryOutcome& outcome = done_.deliveries[first + pieces.index(reject.span.offset)];
      ++outcome.rejected;
      if (outcome.errors.size() < limits::kDeliveryErrorsMax) {
        outcome.errors.push_back(event::position_text(decoded.slice, reject.span) + ": " +
                                 reject.message);
      }
    }
  }

  Status commit() {
    if (sequencer_->is_empty()) return {};
    const int64_t begin = clock_us();
    ledger::CommitOutcome done = std::exchange(done_, {});
    done.commit = writer_->ledger().head() + 1;
    ADWEAVE_TRY(sequencer_->commit());
    done.duration_us = clock_us() - begin;
    for (const auto& [source, counts] : std::exchange(counts_, {})) done.counts.push_back(counts);
    for (const auto& reason : std::exchange(rejected_, {})) done.rejected.push_back(reason);
    for (ledger::DeliveryOutcome& outcome : done.deliveries) outcome.commit = done.commit;
    if (live_.committed) live_.committed(done);  // first: senders wait for it
    ADWEAVE_TRY(tell_kafka(done.commit));
    if (publisher_) publisher_->committed(done.commit);
    if (done.segment > 0) {
      ADWEAVE_TRY(
          journal_->release({done.segment, done.offset}, live_.now_us() - job_.raw_kept_us));
    }
    return {};
  }

  FileSystem& fs_;
  Job job_;
  LiveHooks live_;
  RunHooks hooks_;
  std::vector<OpenSource> sources_;
  std::unique_ptr<ledger::LedgerWriter> writer_;
  source::JournalPosition from_;
  std::unique_ptr<source::PausedSources> paused_;
  std::unique_ptr<source::Journal> journal_;
  std::unique_ptr<source::KafkaLog> kafka_;    // null: no source has a topic
  std::unique_ptr<KafkaPublisher> publisher_;  // null: nothing is written to Kafka
  std::unique_ptr<IndexFollower> index_;       // null: no look-ups are answered
  std::unique_ptr<Sequencer> sequencer_;

  std::mutex asked_mutex_;
  std::vector<Asked> asked_;
  bool has_ended_ = false;

  // Since the last commit.
  std::map<std::string, ledger::Counts> counts_;
  std::map<std::string, int64_t> rejected_;  // by reason
  ledger::CommitOutcome done_;
  bool is_whole_ = true;

  std::atomic<bool> is_ending_ = false;
  std::unique_ptr<BackgroundThread> archiver_;  // the last member: it uses the others
};

}  // namespace

Result<std::unique_ptr<Live>> Live::open(FileSystem& fs, Job job, LiveHooks hooks) {
  auto server = std::make_unique<Server>(fs, std::move(job), std::move(hooks));
  ADWEAVE_TRY(server->begin());
  return std::unique_ptr<Live>(std::move(server));
}

}  // namespace adweave::engine
