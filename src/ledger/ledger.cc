// SPDX-License-Identifier: Apache-2.0
#include "ledger/ledger.h"

#include <algorithm>
#include <set>

#include "base/base64.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/time.h"
#include "event/schema.h"
#include "ledger/folder.h"

namespace adweave::ledger {

namespace {

Status check_link(const CommitRecord& record, int64_t number, std::string_view previous) {
  if (record.number != number) {
    return Error{ErrorCode::corrupt, "it says that it is number " + std::to_string(record.number)};
  }
  if (record.previous != previous) {
    return Error{ErrorCode::corrupt,
                 "it does not follow from the record before it: the chain is broken"};
  }
  return {};
}

// Whether the folder holds a record with a number above `head`: then the one after `head` is
// missing.
bool has_later_record(const FileSystem& fs, const std::string& dir, int64_t head) {
  const Result<std::vector<std::string>> names = fs.list(join_path(dir, "ledger"));
  if (!names) return false;
  const std::string next = commit_path(head + 1).substr(std::string_view("ledger/").size());
  return std::any_of(names->begin(), names->end(), [&](const std::string& name) {
    return name.ends_with(".commit") && name.size() == next.size() && name > next;
  });
}

}  // namespace

Result<Ledger> Ledger::open(const FileSystem& fs, const std::string& dir) {
  ADWEAVE_TRY(check_format(fs, dir));
  Ledger ledger;
  ADWEAVE_TRY(ledger.reload(fs, dir));
  return ledger;
}

Status Ledger::reload(const FileSystem& fs, const std::string& dir) {
  while (true) {
    const std::string path = join_path(dir, commit_path(head() + 1));
    const Result<std::string> bytes = read_file(fs, path, limits::kCommitRecordBytesMax);
    if (!bytes && bytes.error().code == ErrorCode::not_found) break;
    if (!bytes) return bytes.error();
    Result<CommitRecord> record = parse_commit(*bytes);
    if (!record) return std::move(record).error().within(path);
    if (const Status link = check_link(*record, head() + 1, head_checksum()); !link) {
      return Error(link.error()).within(path);
    }
    append(*std::move(record));
  }
  if (has_later_record(fs, dir, head()) && !fs.exists(join_path(dir, commit_path(head() + 1)))) {
    return Error{ErrorCode::corrupt,
                 join_path(dir, commit_path(head() + 1)) + ": is missing, later records exist",
                 "restore the file from a backup; nothing has been changed"};
  }
  return {};
}

void Ledger::append(CommitRecord record) {
  if (ledger_id_.empty()) ledger_id_ = record.ledger_id;
  if (record.kind == "retention") retention_ = {record.retained_from, record.number};
  for (const FileHead& head : record.heads) {
    if (!head.bytes.empty())
      file_heads_.try_emplace(head.hash, decode_base64(head.bytes).value_or(""));
  }
  change_live_files(record);
  records_.push_back(std::move(record));
}

void Ledger::change_live_files(const CommitRecord& record) {
  if (!record.replaced.empty()) {
    std::set<std::string_view> replaced;
    for (const ReplacedFile& file : record.replaced) {
      replaced.insert(file.path);
      superseded_.push_back({file.path, record.number, record.committed_at});
    }
    std::erase_if(live_, [&](const event::DataFile& file) { return replaced.contains(file.path); });
  }
  for (const event::DataFile& file : record.added) {
    const auto later = std::upper_bound(
        live_.begin(), live_.end(), file.commit,
        [](int64_t commit, const event::DataFile& other) { return commit < other.commit; });
    live_.insert(later, file);
    if (record.kind == "seal") sealed_days_[file.date] = record.number - 1;
  }
  if (record.kind == "retention") forget_days_before(format_date(record.retained_from));
}

void Ledger::forget_days_before(const std::string& day) {
  std::erase_if(live_, [&](const event::DataFile& file) { return is_gone(file); });
  sealed_days_.erase(sealed_days_.begin(), sealed_days_.lower_bound(day));
}

bool Ledger::is_gone(const event::DataFile& file) const {
  return retention_ && file.commit < retention_->commit &&
         file.date < format_date(retention_->from);
}

std::map<std::string, int64_t> Ledger::gone_rows(int64_t as_of) const {
  std::map<std::string, int64_t> rows;
  for (const CommitRecord& record : records_) {
    for (const RetiredRows& retired : record.retired) {
      if (retired.commit <= as_of) rows[retired.source] += retired.rows;
    }
    if (record.number > as_of || record.counts.size() != 1) continue;
    for (const event::DataFile& file : record.added) {
      if (is_gone(file) && event::find_table(file.table)->kind)
        rows[record.counts[0].source] += file.rows;
    }
  }
  return rows;
}

std::optional<int64_t> Ledger::closed_through(int64_t as_of) const {
  std::optional<int64_t> closed;
  for (const CommitRecord& record : records_) {
    if (record.number <= as_of && record.kind == "close") closed = record.closed_through;
  }
  return closed;
}

const std::string* Ledger::file_head(int64_t commit, std::string_view source,
                                     std::string_view file) const {
  for (const FileHead& head : records_[static_cast<size_t>(commit) - 1].heads) {
    if (head.source != source || head.file != file) continue;
    const auto it = file_heads_.find(head.hash);
    return it == file_heads_.end() ? nullptr : &it->second;
  }
  return nullptr;
}

std::vector<event::DataFile> Ledger::live_files(std::string_view table, int64_t as_of) const {
  std::vector<event::DataFile> files;
  for (const event::DataFile& file : live_) {
    if (file.first_commit <= as_of && (table.empty() || file.table == table)) files.push_back(file);
  }
  return files;
}

std::vector<SourcePosition> Ledger::positions(std::string_view source) const {
  std::vector<SourcePosition> found;
  std::map<std::string, size_t> by_content;
  for (const CommitRecord& record : records_) {
    for (const SourcePosition& position : record.positions) {
      if (position.source != source) continue;
      const auto [it, added] = by_content.try_emplace(position.hash, found.size());
      if (added) {
        found.push_back(position);
      } else {
        found[it->second] = position;
      }
    }
  }
  return found;
}

std::vector<Counts> Ledger::counts(int64_t as_of) const {
  std::vector<Counts> totals;
  for (const CommitRecord& record : records_) {
    if (record.number > as_of) break;
    for (const Counts& counts : record.counts) {
      auto it = std::find_if(totals.begin(), totals.end(),
                             [&](const Counts& total) { return total.source == counts.source; });
      if (it == totals.end()) {
        it = totals.insert(it, Counts{});
        it->source = counts.source;
      }
      it->add(counts);
    }
  }
  return totals;
}

std::map<std::string, DimensionVersion> Ledger::dimensions(int64_t as_of) const {
  std::map<std::string, DimensionVersion> newest;
  for (const CommitRecord& record : records_) {
    if (record.number > as_of) break;
    for (const DimensionVersion& version : record.dimensions) newest[version.name] = version;
  }
  return newest;
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
  for (const CommitRecord& record : ledger.records()) {
    for (const DimensionVersion& version : record.dimensions)
      check(version.path, version.bytes, version.checksum);
  }
  return result;
}

}  // namespace adweave::ledger
