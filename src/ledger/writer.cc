// SPDX-License-Identifier: Apache-2.0
#include "ledger/writer.h"

#include <charconv>
#include <set>

#include <fmt/format.h>

#include "base/hash.h"
#include "base/limits.h"
#include "event/schema.h"
#include "ledger/folder.h"
#include "ledger/records.h"

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

Status LedgerWriter::check_lock() const {
  if (lock_->is_held()) return {};
  return Error{ErrorCode::fenced, options_.dir + ": another writer has taken over",
               "let the other one work; a run started later goes on where it stops"};
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
    if (linked) {
      has_begun_ = true;
      ADWEAVE_TRY(sweep());
      return pack();
    }
    if (!has_record(*fs_, options_.dir, ledger_.head() + 1)) return linked;
    // The writer that was taken over got one more commit in: fine, it is part of the ledger we go
    // on from.
    ADWEAVE_TRY(ledger_.reload());
    if (ledger_.epoch() > seen) return lost_link(ledger_.head());
  }
}

Status LedgerWriter::append(CommitRecord record) {
  CHECK(ledger_.summary().are_live(record.replaced));
  const int64_t number = ledger_.head() + 1;
  const Status linked = link_record(record);
  if (!linked && has_record(*fs_, options_.dir, number)) return lost_link(number);
  ADWEAVE_TRY(linked);
  return number % limits::kRecordsPerPack == 0 ? pack() : Status();
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
  const std::string temporary = temporary_path(record.number);
  ADWEAVE_TRY(write_synced(*fs_, temporary, to_bytes(record)));
  Status linked = fs_->link(temporary, path);
  if (linked && fs_->exists(join_path(options_.dir, pack_path(record.number)))) {
    // The number was free because its record is packed: another writer has taken over long ago.
    ADWEAVE_TRY(fs_->unlink(path));
    linked = Error{ErrorCode::exists, path + ": is packed"};
  }
  if (linked) ADWEAVE_TRY(fs_->sync_dir(folder));
  // A writer that takes over sweeps our temporary file away; what it was for is decided by now.
  const Status removed = fs_->unlink(temporary);
  if (linked && !removed && removed.error().code != ErrorCode::not_found) return removed;
  if (!linked) return linked;
  ledger_.append(std::move(record));
  return {};
}

// Two writers may try to begin the same epoch: the holder in the name keeps their bytes apart.
std::string LedgerWriter::temporary_path(int64_t number) const {
  return join_path(options_.dir, fmt::format("ledger/{}-{}-{}.tmp", epoch_, number,
                                             to_hex(hash128(options_.holder))));
}

Status LedgerWriter::pack() {
  const std::string& dir = options_.dir;
  ADWEAVE_ASSIGN(const LedgerFiles files, list_ledger(*fs_, dir));
  const bool due = !files.commits.empty() && last_of_pack(files.commits.front()) <= ledger_.head();
  if (!due) return {};
  const std::string temporary = temporary_path(ledger_.head());
  ADWEAVE_TRY(pack_records(*fs_, dir, ledger_.head(), temporary));
  ADWEAVE_TRY(replace_file(*fs_, temporary, join_path(dir, summary_path(ledger_.head())),
                           to_bytes(ledger_.summary())));
  for (const int64_t number : files.summaries) {
    if (number < ledger_.head()) ADWEAVE_TRY(fs_->unlink(join_path(dir, summary_path(number))));
  }
  return {};
}

// When another writer has put its record there: then a failed link is its doing, whatever the link
// says (a writer that takes over also sweeps the file away that we would link).
Error LedgerWriter::lost_link(int64_t number) const {
  const Result<CommitRecord> winner = read_record(*fs_, options_.dir, number);
  if (!winner) return winner.error();
  if (winner->epoch >= epoch_) {
    return {ErrorCode::fenced,
            options_.dir + ": another writer has taken over (epoch " +
                std::to_string(winner->epoch) + ", ours was " + std::to_string(epoch_) +
                "); nothing of this run's last commit was kept",
            "let the other one work; a run started later goes on where it stops"};
  }
  return {ErrorCode::corrupt, join_path(options_.dir, commit_path(number)) +
                                  ": a record of an older epoch has come after ours"};
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
