// SPDX-License-Identifier: Apache-2.0
#include "ledger/ledger.h"

#include <algorithm>
#include <set>

#include "base/base64.h"
#include "base/limits.h"
#include "event/schema.h"
#include "ledger/folder.h"
#include "ledger/records.h"

namespace adweave::ledger {

namespace {

// Fails when the folder holds a record with a number above `head`: then the one after `head` is
// missing.
Status check_end(const FileSystem& fs, const std::string& dir, int64_t head) {
  ADWEAVE_ASSIGN(const LedgerFiles files, list_ledger(fs, dir));
  const auto newest = [](const std::vector<int64_t>& numbers) {
    return numbers.empty() ? 0 : numbers.back();
  };
  // What has come while we looked is no gap.
  const bool gap =
      std::max(newest(files.commits), newest(files.packs)) > head && !has_record(fs, dir, head + 1);
  if (!gap) return {};
  return Error{ErrorCode::corrupt,
               join_path(dir, commit_path(head + 1)) + ": is missing, later records exist",
               "restore the file from a backup; nothing has been changed"};
}

}  // namespace

Result<Ledger> Ledger::open(const FileSystem& fs, const std::string& dir) {
  ADWEAVE_TRY(check_format(fs, dir));
  Ledger ledger(fs, dir);
  ledger.take_summary();
  ADWEAVE_TRY(ledger.reload());
  return ledger;
}

// The newest summary that fits the ledger, if any.
void Ledger::take_summary() {
  const Result<LedgerFiles> files = list_ledger(*fs_, dir_);
  if (!files) return;  // reload() says why
  for (auto number = files->summaries.rbegin(); number != files->summaries.rend(); ++number) {
    const Result<std::string> bytes =
        read_file(*fs_, join_path(dir_, summary_path(*number)), limits::kSnapshotBytesMax);
    Result<Summary> summary = bytes ? parse_summary(*bytes) : Result<Summary>(bytes.error());
    if (!summary || summary->head != *number) continue;
    const Result<CommitRecord> record = read_record(*fs_, dir_, *number);
    if (!record || record->checksum != summary->checksum) continue;
    summary_ = *std::move(summary);
    return;
  }
}

Status Ledger::reload() {
  ADWEAVE_TRY(ledger::visit_records(*fs_, dir_, head() + 1, limits::kCommitsMax, head_checksum(),
                                    [&](CommitRecord&& record) {
                                      append(std::move(record));
                                      return Status();
                                    }));
  return check_end(*fs_, dir_, head());
}

void Ledger::append(CommitRecord record) {
  summary_.add(record);
  if (recent_.size() == limits::kRecentRecordsMax) recent_.pop_front();
  recent_.push_back(std::move(record));
}

Result<CommitRecord> Ledger::record(int64_t number) const {
  std::optional<CommitRecord> found;
  ADWEAVE_TRY(visit_records(number, number, [&](const CommitRecord& record) {
    found = record;
    return Status();
  }));
  CHECK(found);
  return *std::move(found);
}

Result<std::string> Ledger::checksum_of(int64_t number) const {
  if (number == head()) return head_checksum();
  ADWEAVE_ASSIGN(CommitRecord record, this->record(number));
  return std::move(record.checksum);
}

Status Ledger::visit_records(int64_t first, int64_t last,
                             const std::function<Status(const CommitRecord&)>& visit) const {
  CHECK(first >= 1 && last <= head());
  const int64_t first_recent = head() - static_cast<int64_t>(recent_.size()) + 1;
  const int64_t last_read = std::min(last, first_recent - 1);
  int64_t read = first - 1;
  ADWEAVE_TRY(ledger::visit_records(*fs_, dir_, first, last_read, "", [&](CommitRecord&& record) {
    read = record.number;
    return visit(record);
  }));
  if (read < last_read) {
    return Error{ErrorCode::corrupt, join_path(dir_, commit_path(read + 1)) + ": is missing",
                 "restore the file from a backup; nothing has been changed"};
  }
  for (int64_t number = std::max(first, first_recent); number <= last; ++number)
    ADWEAVE_TRY(visit(recent_[static_cast<size_t>(number - first_recent)]));
  return {};
}

Result<std::map<std::string, int64_t>> Ledger::gone_rows(int64_t as_of) const {
  std::map<std::string, int64_t> rows;
  if (!retention()) return rows;
  ADWEAVE_TRY(visit_records(1, retention()->commit, [&](const CommitRecord& record) {
    for (const RetiredRows& retired : record.retired) {
      if (retired.commit <= as_of) rows[retired.source] += retired.rows;
    }
    if (record.number > as_of || record.counts.size() != 1) return Status();
    for (const event::DataFile& file : record.added) {
      if (summary_.is_gone(file) && event::find_table(file.table)->kind)
        rows[record.counts[0].source] += file.rows;
    }
    return Status();
  }));
  return rows;
}

std::optional<int64_t> Ledger::closed_through(int64_t as_of) const {
  std::optional<int64_t> through;
  for (const Closed& closed : summary_.closed) {
    if (closed.commit <= as_of) through = closed.through;
  }
  return through;
}

Result<std::optional<std::string>> Ledger::file_head(int64_t commit, std::string_view source,
                                                     std::string_view file) const {
  ADWEAVE_ASSIGN(const CommitRecord record, this->record(commit));
  for (const FileHead& head : record.heads) {
    if (head.source != source || head.file != file) continue;
    const auto it = summary_.heads.find(head.hash);
    if (it == summary_.heads.end()) break;
    return std::optional(decode_base64(it->second).value_or(""));
  }
  return std::optional<std::string>();
}

std::vector<event::DataFile> Ledger::live_files(std::string_view table, int64_t as_of) const {
  std::vector<event::DataFile> files;
  for (const event::DataFile& file : summary_.live) {
    if (file.first_commit <= as_of && (table.empty() || file.table == table)) files.push_back(file);
  }
  return files;
}

std::vector<SourcePosition> Ledger::positions(std::string_view source) const {
  std::vector<SourcePosition> found;
  for (const SourcePosition& position : summary_.positions) {
    if (position.source == source) found.push_back(position);
  }
  return found;
}

Result<std::vector<Counts>> Ledger::counts(int64_t as_of) const {
  if (as_of >= head()) return summary_.counts;
  std::vector<Counts> totals;
  ADWEAVE_TRY(visit_records(1, as_of, [&](const CommitRecord& record) {
    add_counts(totals, record.counts);
    return Status();
  }));
  return totals;
}

std::map<std::string, DimensionVersion> Ledger::dimensions(int64_t as_of) const {
  std::map<std::string, DimensionVersion> newest;
  for (const auto& [commit, version] : summary_.dimensions) {
    if (commit <= as_of) newest[version.name] = version;
  }
  return newest;
}

Result<std::vector<int64_t>> false_summaries(const FileSystem& fs, const std::string& dir,
                                             int64_t head) {
  ADWEAVE_ASSIGN(const LedgerFiles files, list_ledger(fs, dir));
  std::set<int64_t> unsound(files.summaries.begin(), files.summaries.end());
  Summary summary;
  ADWEAVE_TRY(visit_records(fs, dir, 1, head, "", [&](CommitRecord&& record) {
    summary.add(record);
    if (!unsound.contains(record.number)) return Status();
    const auto bytes =
        read_file(fs, join_path(dir, summary_path(record.number)), limits::kSnapshotBytesMax);
    if (bytes && *bytes == to_bytes(summary)) unsound.erase(record.number);
    return Status();
  }));
  return std::vector<int64_t>(unsound.begin(), unsound.end());
}

Verification verify_files(const FileSystem& fs, const std::string& dir, const Ledger& ledger,
                          const std::function<void(int64_t, int64_t)>& progress) {
  Verification result;
  result.commits = ledger.head();
  const std::vector<event::DataFile> files = ledger.live_files("", ledger.head());
  int64_t total = 0;
  for (const event::DataFile& file : files) total += file.bytes;

  const auto check = [&](const std::string& path, int64_t bytes, const std::string& checksum) {
    const Status status = verify_file(fs, join_path(dir, path), bytes, checksum);
    if (!status) result.problems.push_back(status.error().message);
    ++result.files;
    result.bytes += bytes;
    if (progress) progress(result.bytes, total);
  };
  for (const event::DataFile& file : files) check(file.path, file.bytes, file.checksum);
  for (const auto& [commit, version] : ledger.summary().dimensions)
    check(version.path, version.bytes, version.checksum);
  const auto summaries = false_summaries(fs, dir, ledger.head());
  if (!summaries) result.problems.push_back(summaries.error().message);
  for (const int64_t number : summaries ? *summaries : std::vector<int64_t>()) {
    result.problems.push_back(join_path(dir, summary_path(number)) +
                              ": is not what the records amount to; adweave repair removes it");
  }
  return result;
}

}  // namespace adweave::ledger
