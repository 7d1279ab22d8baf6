// SPDX-License-Identifier: Apache-2.0
#include "ledger/writer.h"

#include <charconv>
#include <set>

#include "base/hash.h"
#include "base/limits.h"
#include "event/schema.h"
#include "ledger/folder.h"

namespace adweave::ledger {

namespace {

// Epoch in "<epoch>-<commit>-<holder>.tmp"; -1 when it is no such name.
int64_t epoch_of_temporary(std::string_view name) {
  if (!name.ends_with(".tmp")) return -1;
  int64_t epoch = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), epoch);
  const bool whole = error == std::errc() && end != name.data() + name.size() && *end == '-';
  return whole ? epoch : -1;
}

}  // namespace

Result<LedgerWriter> LedgerWriter::open(FileSystem& fs, WriterOptions options) {
  LedgerWriter writer(fs, std::move(options));
  const std::string& dir = writer.options_.dir;
  ADWEAVE_TRY(make_dirs(fs, dir));
  ADWEAVE_ASSIGN(writer.lock_, fs.lock(join_path(dir, "lock"), writer.options_.holder,
                                       writer.options_.take_over));
  ADWEAVE_TRY(make_folder(fs, dir));
  ADWEAVE_ASSIGN(writer.ledger_, Ledger::open(fs, dir));
  writer.epoch_ = writer.ledger_.epoch();
  return writer;
}

Result<LedgerWriter> LedgerWriter::open_existing(FileSystem& fs, WriterOptions options) {
  ADWEAVE_TRY(Ledger::open(fs, options.dir));
  return open(fs, std::move(options));
}

Status LedgerWriter::begin_epoch(int64_t now) {
  const int64_t seen = ledger_.epoch();
  while (true) {
    CommitRecord record;
    record.kind = "epoch";
    record.committed_at = now;
    epoch_ = seen + 1;
    const Status linked = link_record(record);
    if (linked) return sweep();
    if (!is_taken(ledger_.head() + 1)) return linked;
    // The writer that was taken over got one more commit in: fine, it is part of the ledger we go
    // on from.
    ADWEAVE_TRY(ledger_.reload(*fs_, options_.dir));
    if (ledger_.epoch() > seen) return lost_link(ledger_.head());
  }
}

Status LedgerWriter::append(CommitRecord record) {
  const int64_t number = ledger_.head() + 1;
  const Status linked = link_record(record);
  if (!linked && is_taken(number)) return lost_link(number);
  return linked;
}

Status LedgerWriter::link_record(CommitRecord& record) {
  record.number = ledger_.head() + 1;
  record.previous = ledger_.head_checksum();
  record.epoch = epoch_;
  record.ledger_id = ledger_.ledger_id().empty() ? options_.ledger_id : ledger_.ledger_id();
  record.program = options_.program;
  record.schema = event::schema_hash();
  const std::string folder = join_path(options_.dir, "ledger");
  const std::string path = join_path(options_.dir, commit_path(record.number));
  // Two writers may try to begin the same epoch: the holder in the name keeps their bytes apart.
  const std::string temporary =
      join_path(folder, std::to_string(epoch_) + "-" + std::to_string(record.number) + "-" +
                            to_hex(hash128(options_.holder)) + ".tmp");
  ADWEAVE_TRY(write_synced(*fs_, temporary, to_bytes(record)));
  const Status linked = fs_->link(temporary, path);
  if (linked) ADWEAVE_TRY(fs_->sync_dir(folder));
  // A writer that takes over sweeps our temporary file away; what it was for is decided by now.
  const Status removed = fs_->unlink(temporary);
  if (linked && !removed && removed.error().code != ErrorCode::not_found) return removed;
  if (!linked) return linked;
  ledger_.append(std::move(record));
  return {};
}

// Whether another writer has put a record there: then a failed link is its doing, whatever the link
// says (a writer that takes over also sweeps the file away that we would link).
bool LedgerWriter::is_taken(int64_t number) const {
  return fs_->exists(join_path(options_.dir, commit_path(number)));
}

Error LedgerWriter::lost_link(int64_t number) const {
  const std::string path = join_path(options_.dir, commit_path(number));
  const Result<std::string> bytes = read_file(*fs_, path, limits::kCommitRecordBytesMax);
  if (!bytes) return bytes.error();
  const Result<CommitRecord> winner = parse_commit(*bytes);
  if (!winner) return Error(winner.error()).within(path);
  if (winner->epoch >= epoch_) {
    return {ErrorCode::fenced,
            options_.dir + ": another writer has taken over (epoch " +
                std::to_string(winner->epoch) + ", ours was " + std::to_string(epoch_) +
                "); nothing of this run's last commit was kept",
            "let the other one work; a run started later goes on where it stops"};
  }
  return {ErrorCode::corrupt, path + ": a record of an older epoch has come after ours"};
}

Status LedgerWriter::sweep() {
  const std::string ledger_folder = join_path(options_.dir, "ledger");
  ADWEAVE_ASSIGN(const std::vector<std::string> names, fs_->list(ledger_folder));
  for (const std::string& name : names) {
    const int64_t epoch = epoch_of_temporary(name);
    if (epoch >= 0 && epoch < epoch_) ADWEAVE_TRY(fs_->unlink(join_path(ledger_folder, name)));
  }
  std::set<std::string> named;
  for (const event::DataFile& file : ledger_.live_files("", ledger_.head())) {
    named.insert(file.path);
    if (file.is_sealed()) named.insert(event::published_path(file));
  }
  for (const Superseded& file : ledger_.superseded()) named.insert(file.path);
  const std::string lake = join_path(options_.dir, "lake");
  ADWEAVE_ASSIGN(const std::vector<std::string> tables, fs_->list(lake));
  for (const std::string& table : tables) {
    const std::string folder = "lake/" + table;
    ADWEAVE_ASSIGN(const std::vector<std::string> inside, fs_->list(join_path(lake, table)));
    for (const std::string& name : inside) {
      if (name.starts_with("dt=")) ADWEAVE_TRY(sweep_day(folder + "/" + name, named));
    }
    ADWEAVE_TRY(sweep_days(folder + "/_recent", named));
    ADWEAVE_TRY(sweep_days(folder + "/_sealed", named));
  }
  return {};
}

Status LedgerWriter::sweep_days(const std::string& folder, const std::set<std::string>& named) {
  const Result<std::vector<std::string>> days = fs_->list(join_path(options_.dir, folder));
  if (!days && days.error().code == ErrorCode::not_found) return {};
  if (!days) return days.error();
  for (const std::string& day : *days) ADWEAVE_TRY(sweep_day(folder + "/" + day, named));
  return {};
}

// Removes the files of older epochs that nothing names; what is not ours stays.
Status LedgerWriter::sweep_day(const std::string& folder, const std::set<std::string>& named) {
  ADWEAVE_ASSIGN(const std::vector<std::string> names, fs_->list(join_path(options_.dir, folder)));
  for (const std::string& name : names) {
    const std::string path = folder + "/" + name;
    const int64_t epoch = event::epoch_of_file(name);
    if (epoch < 0 || epoch >= epoch_ || named.contains(path)) continue;
    ADWEAVE_TRY(fs_->unlink(join_path(options_.dir, path)));
  }
  return {};
}

}  // namespace adweave::ledger
