// SPDX-License-Identifier: Apache-2.0
#include "engine/replay.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "engine/commit_builder.h"
#include "engine/dimension_files.h"
#include "engine/ids_folder.h"
#include "engine/plan.h"
#include "engine/publish_delta.h"
#include "engine/recovery.h"
#include "engine/reread.h"
#include "engine/snapshots.h"
#include "process/rejects.h"

namespace adweave::engine {

namespace {

using Rejects = std::span<const OpenReject>;

// What deduplication has made of the events of one reject.
struct Fate {
  int64_t accepted = 0;
  int64_t duplicate = 0;
  int64_t conflict = 0;
  std::string first;  // of a duplicate or conflict: what it meets
  std::string kind;
  std::string event_id;

  std::string message(bool dropped) const {
    if (dropped) return "the configuration sees no record here";
    if (accepted == 1 && duplicate + conflict == 0) return "accepted by a replay";
    if (duplicate == 1 && accepted + conflict == 0) return "a duplicate of " + first;
    if (conflict == 1 && accepted + duplicate == 0) return first;
    return fmt::format("{} accepted, {} duplicate, {} conflict", accepted, duplicate, conflict);
  }
};

// Whether what rows call `file` was read as a part of `read`: a delivery with a head or compressed
// is a file of its own within its segment of the journal, or its partition.
bool is_in(std::string_view file, std::string_view read) {
  if (!file.starts_with(read)) return false;
  return file.size() == read.size() ||
         ((read.starts_with(event::kJournalPrefix) || read.starts_with(event::kKafkaPrefix)) &&
          file[read.size()] == ':');
}

void put_row(event::RejectRows& rows, const OpenReject& reject, int64_t sign,
             std::string_view state, std::string_view message, const Fate& fate) {
  const int64_t row = rows.rows++;
  rows.outcome.put(row, "rejected");
  rows.reason.put(row, reject.reason);
  if (!reject.rule.empty()) rows.rule.put(row, reject.rule);
  rows.message.put(row, message);
  const std::string& kind = fate.kind.empty() ? reject.kind : fate.kind;
  if (!kind.empty()) rows.kind.put(row, kind);
  const std::string& id = fate.event_id.empty() ? reject.event_id : fate.event_id;
  if (!id.empty()) rows.event_id.put(row, id);
  rows.source.put(row, reject.source);
  rows.source_position.put(row, reject.position);
  rows.raw.put(row, sign > 0 ? std::string_view(reject.raw) : std::string_view());
  rows.raw_length.put(row, reject.raw_length);
  rows.raw_hash.put(row, reject.raw_hash);
  rows.first_seen.put(row, reject.first_seen);
  rows.attempt.put(row, reject.attempt);
  rows.state.put(row, state);
  rows.sign.put(row, sign);
}

// Whether deduplication will have to make ids.
bool lacks_ids(const event::DecodedSlice& decoded) {
  return std::any_of(decoded.batches.begin(), decoded.batches.end(), [](const event::Batch& batch) {
    for (int64_t row = 0; row < batch.rows; ++row) {
      if (!batch.event_id.has(row)) return true;
    }
    return false;
  });
}

class Replay {
 public:
  Replay(FileSystem& fs, const Job& job, const RejectFilter& filter, const RunHooks& hooks,
         std::map<std::string, RereadSource> sources, ledger::LedgerWriter& writer,
         state::Dimensions dimensions)
      : fs_(fs),
        job_(job),
        filter_(filter),
        hooks_(hooks),
        sources_(std::move(sources)),
        writer_(writer),
        rules_(prepare_rules(job, writer.ledger(), std::move(dimensions))) {}

  // Whether anything would change; the report is whole when nothing would.
  Result<bool> look() {
    bool changes = false;
    const Visit visit = [&](Rejects rejects, Reread& reread) -> Result<bool> {
      note(rejects, reread);
      changes = reread.changed > 0;
      return !changes;
    };
    ADWEAVE_TRY(each(visit));
    return changes;
  }

  Status work() {
    report_ = {};
    causes_.clear();
    ADWEAVE_ASSIGN(state_, load_state(fs_, job_, writer_.ledger()));
    report_.first_commit = writer_.ledger().head() + 1;
    const Visit visit = [&](Rejects rejects, Reread& reread) -> Result<bool> {
      note(rejects, reread);
      if (reread.changed > 0) ADWEAVE_TRY(take(rejects, reread));
      if (builder_.bytes() >= job_.commit_bytes) ADWEAVE_TRY(commit());
      return !(hooks_.stop && hooks_.stop());
    };
    ADWEAVE_TRY(each(visit));
    if (!builder_.empty()) ADWEAVE_TRY(commit());
    report_.last_commit = writer_.ledger().head();
    return {};
  }

  Status keep_state() { return save_state(fs_, job_.data, writer_.ledger(), *state_); }

  ReplayReport report() {
    for (auto& [key, cause] : causes_) report_.causes.push_back(std::move(cause));
    return std::move(report_);
  }

 private:
  using Visit = std::function<Result<bool>(Rejects, Reread&)>;

  ReplayedCause& cause_of(const OpenReject& reject) {
    ReplayedCause& cause = causes_[{reject.source, reject.reason}];
    cause.source = reject.source;
    cause.reason = reject.reason;
    return cause;
  }

  static void say(ReplayedCause& cause, const std::string& message) {
    if (cause.message.empty()) cause.message = message;
  }

  // Decodes all open rejects again, slice by slice, until visit() says false.
  Status each(const Visit& visit) {
    std::set<std::string> names;
    for (const auto& [name, source] : sources_) names.insert(name);
    // Files of the ledger as it is now: rejects that this replay adds are for the next one.
    const ledger::Ledger& ledger = writer_.ledger();
    ADWEAVE_ASSIGN(OpenRejects open, OpenRejects::open(fs_, job_.data, ledger, names, filter_));
    while (!open.at_end()) {
      ADWEAVE_ASSIGN(std::vector<OpenReject> rejects, open.next_file(fs_));
      ADWEAVE_TRY(find_reads(rejects));
      std::erase_if(rejects, [&](const OpenReject& reject) { return leave(reject); });
      for (size_t begin = 0; begin < rejects.size();) {
        size_t end = begin;
        while (end < rejects.size() && rejects[end].source == rejects[begin].source) ++end;
        const RereadSource& source = sources_.at(rejects[begin].source);
        for (const Rejects slice :
             slices_of(Rejects(rejects).subspan(begin, end - begin), *source.job)) {
          ADWEAVE_ASSIGN(const bool more, visit_slice(slice, source, ledger, visit));
          if (!more) return {};
        }
        begin = end;
      }
    }
    return {};
  }

  // Notes what the commits of the rejects have read.
  Status find_reads(Rejects rejects) {
    reads_.clear();
    for (const OpenReject& reject : rejects) reads_[reject.commit];
    if (reads_.empty()) return {};
    return writer_.ledger().visit_records(reads_.begin()->first, reads_.rbegin()->first,
                                          [&](const ledger::CommitRecord& record) {
                                            const auto it = reads_.find(record.number);
                                            if (it != reads_.end()) it->second = record.positions;
                                            return Status();
                                          });
  }

  // The read of the file, by a run or a replay, that a reject is of.
  const ledger::SourcePosition* read_of(const OpenReject& reject) const {
    for (const ledger::SourcePosition& position : reads_.at(reject.commit)) {
      if (ledger::row_source(position.source) == reject.source && is_in(reject.file, position.file))
        return &position;
    }
    return nullptr;
  }

  bool leave(const OpenReject& reject) {
    std::string why = why_left(reject);
    if (why.empty() && read_of(reject) == nullptr) why = "its file is not known any more";
    if (why.empty()) return false;
    ReplayedCause& cause = cause_of(reject);
    ++cause.rejects;
    ++cause.left;
    say(cause, why);
    return true;
  }

  Result<bool> visit_slice(Rejects slice, const RereadSource& source, const ledger::Ledger& ledger,
                           const Visit& visit) {
    const OpenReject& first = slice.front();
    ADWEAVE_ASSIGN(const std::optional<std::string> kept,
                   ledger.file_head(first.commit, first.source, first.file));
    const std::string* head = kept ? &*kept : nullptr;
    if (std::optional<Reread> reread = read_again(slice, source, head, rules_))
      return visit(slice, *reread);
    for (size_t begin = 0; begin < slice.size();) {
      size_t end = begin;
      while (end < slice.size() && slice[end].offset == slice[begin].offset) ++end;
      const Rejects one = slice.subspan(begin, end - begin);
      std::optional<Reread> reread = read_again(one, source, head, rules_);
      ADWEAVE_ASSIGN(const bool more, visit(one, *reread));
      if (!more) return false;
      begin = end;
    }
    return true;
  }

  // Counts what decoding alone says.
  void note(Rejects rejects, const Reread& reread) {
    for (size_t i = 0; i < rejects.size(); ++i) {
      const RereadResult& result = reread.results[i];
      ReplayedCause& cause = cause_of(rejects[i]);
      ++cause.rejects;
      cause.unchanged += result.unchanged ? 1 : 0;
      cause.left += result.left.empty() ? 0 : 1;
      cause.rejected += static_cast<int64_t>(result.rejects.size());
      if (!result.left.empty()) say(cause, result.left);
      if (result.unchanged) say(cause, rejects[i].message);
      for (const size_t at : result.rejects)
        say(cause, reread.prepared.decoded.rejects[at].message);
    }
  }

  // Deduplicates what was decoded and writes down what became of each reject.
  Status take(Rejects rejects, Reread& reread) {
    const OpenReject& first = rejects.front();
    const ledger::SourcePosition& read = *read_of(first);
    process::Occurrences none;
    process::Occurrences* occurrences = &none;
    if (lacks_ids(reread.prepared.decoded)) {
      ADWEAVE_ASSIGN(occurrences, occurrences_of(first.source, read));
    }
    const std::map<std::string, size_t, std::less<>> owners = owners_of(rejects, reread);
    const event::Slice slice = reread.prepared.decoded.slice;
    const std::vector<event::Reject> again = reread.prepared.decoded.rejects;
    const int64_t duplicates = builder_.duplicates().rows;
    const int64_t conflicts = builder_.rejects().rows;
    builder_.add_replayed(std::move(reread.prepared), *sources_.at(first.source).job, read,
                          reread.changed, writer_.ledger().head() + 1, *state_, *occurrences);
    const std::vector<Fate> fates = fates_of(rejects.size(), owners, duplicates, conflicts);
    for (size_t i = 0; i < rejects.size(); ++i) settle(rejects[i], reread.results[i], fates[i]);
    for (size_t i = 0; i < again.size(); ++i) {
      process::add_reject(builder_.rejects(), slice, again[i]);
      builder_.rejects().attempt.replace(builder_.rejects().rows - 1,
                                         rejects[reread.owners[i]].attempt + 1);
    }
    return {};
  }

  // Position of an event -> its reject.
  static std::map<std::string, size_t, std::less<>> owners_of(Rejects rejects,
                                                              const Reread& reread) {
    std::map<std::string, size_t, std::less<>> owners;
    for (const event::Batch& batch : reread.prepared.decoded.batches) {
      for (int64_t row = 0; row < batch.rows; ++row) {
        owners.emplace(batch.source_position[row],
                       *owner_of(rejects, batch.spans[static_cast<size_t>(row)]));
      }
    }
    return owners;
  }

  // From the rows that deduplication left and added.
  std::vector<Fate> fates_of(size_t count, const std::map<std::string, size_t, std::less<>>& owners,
                             int64_t duplicates, int64_t conflicts) {
    std::vector<Fate> fates(count);
    const auto fate_at = [&](std::string_view position) -> Fate& {
      return fates[owners.find(position)->second];
    };
    for (const auto& batch : builder_.last_batches()) {
      for (int64_t row = 0; row < batch->rows; ++row) {
        Fate& fate = fate_at(batch->source_position[row]);
        ++fate.accepted;
        fate.kind = event::kind_name(batch->kind);
        fate.event_id = batch->event_id[row];
      }
    }
    const event::DuplicateRows& repeats = builder_.duplicates();
    for (int64_t row = duplicates; row < repeats.rows; ++row) {
      Fate& fate = fate_at(repeats.source_position[row]);
      ++fate.duplicate;
      fate.first = repeats.first_position[row];
      fate.kind = repeats.kind[row];
      fate.event_id = repeats.event_id[row];
    }
    const event::RejectRows& rows = builder_.rejects();
    for (int64_t row = conflicts; row < rows.rows; ++row) {
      Fate& fate = fate_at(rows.source_position[row]);
      ++fate.conflict;
      fate.first = rows.message[row];
      fate.kind = rows.kind[row];
      fate.event_id = rows.event_id[row];
    }
    return fates;
  }

  // Takes the open reject back and says what its events have become.
  void settle(const OpenReject& reject, const RereadResult& result, const Fate& fate) {
    if (!result.changes()) return;
    ReplayedCause& cause = cause_of(reject);
    cause.accepted += fate.accepted;
    cause.duplicate += fate.duplicate;
    cause.conflict += fate.conflict;
    put_row(builder_.rejects(), reject, -1, "open", reject.message, {});
    if (result.events == 0 && !result.dropped) return;
    put_row(builder_.rejects(), reject, 1, result.dropped ? "dropped" : "replayed",
            fate.message(result.dropped), fate);
  }

  // Where reading of that content has got to by now.
  Result<source::ReadBefore> newest_read(const std::string& source,
                                         const ledger::SourcePosition& read) {
    const auto [it, added] = reads_of_file_.try_emplace({source, read.file});
    if (added) {
      const ledger::Ledger& ledger = writer_.ledger();
      ADWEAVE_TRY(ledger.visit_records(1, ledger.head(), [&](const auto& record) {
        for (const ledger::SourcePosition& position : record.positions) {
          if (position.source == source && position.file == read.file)
            it->second.push_back(position);
        }
        return Status();
      }));
    }
    int64_t end = read.after;
    for (const ledger::SourcePosition& position : it->second) {
      if (position.before == end && position.after > end) end = position.after;
    }
    return source::ReadBefore{read.file, read.size, read.hash, end, read.done != 0};
  }

  Result<process::Occurrences*> occurrences_of(const std::string& source,
                                               const ledger::SourcePosition& read) {
    ADWEAVE_ASSIGN(const source::ReadBefore before, newest_read(source, read));
    const auto [it, added] =
        occurrences_.try_emplace({source, before.file, before.hash, before.after});
    if (added) {
      ADWEAVE_ASSIGN(it->second,
                     rebuild_occurrences(fs_, job_.data, writer_.ledger(), source, before));
    }
    return &it->second;
  }

  Status commit() {
    ADWEAVE_TRY(builder_.commit(fs_, job_, writer_, *state_, hooks_.now_us(), totals_));
    builder_ = CommitBuilder();
    occurrences_.clear();
    return bound_ids(fs_, job_, writer_.ledger().head(), writer_.epoch(), *state_);
  }

  FileSystem& fs_;
  const Job& job_;
  const RejectFilter& filter_;
  const RunHooks& hooks_;
  std::map<std::string, RereadSource> sources_;
  ledger::LedgerWriter& writer_;
  process::PrepareRules rules_;
  std::unique_ptr<state::State> state_;
  CommitBuilder builder_;
  std::map<std::tuple<std::string, std::string, std::string, int64_t>, process::Occurrences>
      occurrences_;
  std::map<int64_t, std::vector<ledger::SourcePosition>> reads_;  // by commit
  std::map<std::pair<std::string, std::string>, std::vector<ledger::SourcePosition>>
      reads_of_file_;  // by source and name
  std::map<std::string, ledger::Counts> totals_;
  std::map<std::pair<std::string, std::string>, ReplayedCause> causes_;
  ReplayReport report_;
};

}  // namespace

Result<ReplayReport> replay(FileSystem& fs, const Job& job, const RejectFilter& filter,
                            const RunHooks& hooks, bool keep_state) {
  ADWEAVE_TRY(ledger::Ledger::open(fs, job.data));
  std::map<std::string, RereadSource> sources;
  for (const SourceJob& source : job.sources) {
    ADWEAVE_ASSIGN(RereadSource opened, reread_source(source));
    sources.emplace(source.decoder.source, std::move(opened));
  }
  ADWEAVE_ASSIGN(const std::vector<DimensionFile> files, read_dimension_files(fs, job));
  ADWEAVE_ASSIGN(state::Dimensions dimensions, load_dimensions(files));
  ADWEAVE_ASSIGN(ledger::LedgerWriter writer,
                 ledger::LedgerWriter::open(
                     fs, {job.data, job.holder, job.ledger_id, job.program, job.take_over}));
  Replay replay(fs, job, filter, hooks, std::move(sources), writer, std::move(dimensions));
  ADWEAVE_ASSIGN(const bool changes, replay.look());
  if (!changes) return replay.report();
  ADWEAVE_TRY(writer.begin_epoch(hooks.now_us()));
  ADWEAVE_TRY(commit_dimensions(fs, job, files, writer, hooks.now_us()));
  ADWEAVE_TRY(replay.work());
  if (keep_state) ADWEAVE_TRY(replay.keep_state());
  ADWEAVE_TRY(publish_delta(fs, job.data, writer.ledger(), hooks.now_us()));
  return replay.report();
}

}  // namespace adweave::engine
