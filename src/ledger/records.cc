// SPDX-License-Identifier: Apache-2.0
#include "ledger/records.h"

#include <algorithm>
#include <optional>

#include "base/limits.h"
#include "base/numbered_name.h"
#include "ledger/summary.h"

namespace adweave::ledger {

namespace {

constexpr std::string_view kFolder = "ledger/";

// "<first>-<last>.pack"
std::optional<int64_t> last_in(std::string_view name) {
  if (name.size() <= kNumberedNameDigits || name[kNumberedNameDigits] != '-') return std::nullopt;
  const auto last = number_in_name(name.substr(kNumberedNameDigits + 1), ".pack");
  const bool ours = last && *last > 0 && pack_path(*last) == std::string(kFolder).append(name);
  return ours ? last : std::nullopt;
}

int64_t first_of_pack(int64_t number) {
  return last_of_pack(number) - limits::kRecordsPerPack + 1;
}

// Checks that records follow from each other.
class Chain {
 public:
  Chain(int64_t next, std::string previous) : next_(next), previous_(std::move(previous)) {}

  Status check(const CommitRecord& record) {
    if (record.number != next_) {
      return Error{ErrorCode::corrupt,
                   "it says that it is number " + std::to_string(record.number)};
    }
    if (!(previous_.empty() && next_ > 1) && record.previous != previous_) {
      return Error{ErrorCode::corrupt,
                   "it does not follow from the record before it: the chain is broken"};
    }
    ++next_;
    previous_ = record.checksum;
    return {};
  }

  int64_t next() const { return next_; }

 private:
  int64_t next_;
  std::string previous_;
};

Result<CommitRecord> checked_record(std::string_view line, const std::string& path, Chain& chain) {
  Result<CommitRecord> record = parse_commit(line);
  if (!record) return std::move(record).error().within(path);
  if (const Status follows = chain.check(*record); !follows)
    return Error(follows.error()).within(path);
  return record;
}

// Visits the records of a pack from chain.next() to `last`.
Status visit_pack(const FileSystem& fs, const std::string& dir, int64_t last, Chain& chain,
                  const RecordVisit& visit) {
  const int64_t first = first_of_pack(chain.next());
  const std::string path = join_path(dir, pack_path(first));
  ADWEAVE_ASSIGN(const std::string bytes, read_file(fs, path, limits::kPackBytesMax));
  size_t begin = 0;
  for (int64_t number = first; number <= std::min(last, last_of_pack(first)); ++number) {
    const size_t end = bytes.find('\n', begin);
    if (end == std::string::npos) {
      return Error{ErrorCode::corrupt,
                   path + ": it is torn: record " + std::to_string(number) + " is missing",
                   "restore the file from a backup; nothing has been changed"};
    }
    if (number == chain.next()) {
      const std::string_view line = std::string_view(bytes).substr(begin, end + 1 - begin);
      ADWEAVE_ASSIGN(CommitRecord record,
                     checked_record(line, path + ": record " + std::to_string(number), chain));
      ADWEAVE_TRY(visit(std::move(record)));
    }
    begin = end + 1;
  }
  return {};
}

// The records from chain.next() to `last` that are in files of their own, up to the first that is
// not.
Result<std::vector<CommitRecord>> read_files(const FileSystem& fs, const std::string& dir,
                                             int64_t last, Chain& chain) {
  std::vector<CommitRecord> records;
  while (chain.next() <= last) {
    const std::string path = join_path(dir, commit_path(chain.next()));
    const Result<std::string> bytes = read_file(fs, path, limits::kCommitRecordBytesMax);
    if (!bytes && bytes.error().code == ErrorCode::not_found) break;
    if (!bytes) return bytes.error();
    ADWEAVE_ASSIGN(CommitRecord record, checked_record(*bytes, path, chain));
    records.push_back(std::move(record));
  }
  return records;
}

bool is_packed(const FileSystem& fs, const std::string& dir, int64_t number) {
  return fs.exists(join_path(dir, pack_path(number)));
}

// The lines of the pack that ends with `last`, from the records' files.
Result<std::string> pack_of(const FileSystem& fs, const std::string& dir, int64_t last) {
  std::string bytes;
  for (int64_t number = first_of_pack(last); number <= last; ++number) {
    ADWEAVE_ASSIGN(const std::string line, read_file(fs, join_path(dir, commit_path(number)),
                                                     limits::kCommitRecordBytesMax));
    bytes += line;
  }
  return bytes;
}

}  // namespace

bool has_record(const FileSystem& fs, const std::string& dir, int64_t number) {
  return is_packed(fs, dir, number) || fs.exists(join_path(dir, commit_path(number)));
}

Status visit_records(const FileSystem& fs, const std::string& dir, int64_t first, int64_t last,
                     std::string previous, const RecordVisit& visit) {
  Chain chain(first, std::move(previous));
  while (chain.next() <= last) {
    if (is_packed(fs, dir, chain.next())) {
      ADWEAVE_TRY(visit_pack(fs, dir, last, chain, visit));
      continue;
    }
    const int64_t next = chain.next();
    const Chain before = chain;
    Result<std::vector<CommitRecord>> records =
        read_files(fs, dir, std::min(last, last_of_pack(next)), chain);
    if (is_packed(fs, dir, next)) {  // meanwhile: what was read may be another writer's
      chain = before;
      continue;
    }
    if (!records) return std::move(records).error();
    for (CommitRecord& record : *records) ADWEAVE_TRY(visit(std::move(record)));
    if (chain.next() <= std::min(last, last_of_pack(next))) break;  // the newest has been visited
  }
  return {};
}

Result<CommitRecord> read_record(const FileSystem& fs, const std::string& dir, int64_t number) {
  std::optional<CommitRecord> found;
  ADWEAVE_TRY(visit_records(fs, dir, number, number, "", [&](CommitRecord&& record) {
    found = std::move(record);
    return Status();
  }));
  if (found) return *std::move(found);
  return Error{ErrorCode::not_found, join_path(dir, commit_path(number)) + ": is missing"};
}

Result<LedgerFiles> list_ledger(const FileSystem& fs, const std::string& dir) {
  LedgerFiles files;
  ADWEAVE_ASSIGN(const std::vector<std::string> names, fs.list(join_path(dir, "ledger")));
  for (const std::string& name : names) {
    if (const auto number = number_in_name(name, ".commit")) files.commits.push_back(*number);
    if (const auto number = number_in_name(name, ".summary")) files.summaries.push_back(*number);
    if (const auto last = last_in(name)) files.packs.push_back(*last);
  }
  for (std::vector<int64_t>* numbers : {&files.commits, &files.packs, &files.summaries})
    std::sort(numbers->begin(), numbers->end());
  return files;
}

Result<std::vector<std::string>> record_files(const FileSystem& fs, const std::string& dir,
                                              int64_t head) {
  ADWEAVE_ASSIGN(const LedgerFiles files, list_ledger(fs, dir));
  std::vector<std::string> paths;
  const auto add = [&](const std::vector<int64_t>& numbers, std::string (*path)(int64_t)) {
    for (const int64_t number : numbers) {
      if (number <= head) paths.push_back(path(number));
    }
  };
  add(files.packs, pack_path);
  add(files.commits, commit_path);
  add(files.summaries, summary_path);
  return paths;
}

Status pack_records(FileSystem& fs, const std::string& dir, int64_t head,
                    const std::string& temporary) {
  ADWEAVE_ASSIGN(const LedgerFiles files, list_ledger(fs, dir));
  const auto last_packed = [&] { return files.packs.empty() ? 0 : files.packs.back(); };
  for (int64_t last = last_packed() + limits::kRecordsPerPack; last <= head;
       last += limits::kRecordsPerPack) {
    if (is_packed(fs, dir, last)) continue;  // by a writer that has taken over
    ADWEAVE_ASSIGN(const std::string bytes, pack_of(fs, dir, last));
    ADWEAVE_TRY(replace_file(fs, temporary, join_path(dir, pack_path(last)), bytes));
  }
  for (const int64_t number : files.commits) {
    if (last_of_pack(number) > head) continue;
    const Status removed = fs.unlink(join_path(dir, commit_path(number)));
    if (!removed && removed.error().code != ErrorCode::not_found) return removed;
  }
  return {};
}

}  // namespace adweave::ledger
