// SPDX-License-Identifier: Apache-2.0
#include "registry/change_log.h"

#include <random>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/numbered_name.h"

namespace adweave::registry {

namespace {

constexpr std::string_view kSuffix = ".change";
constexpr std::string_view kTemporarySuffix = ".tmp";

// No other writer's: one that was taken over and wakes late must not link what this one wrote.
std::string temporary_name() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{}", random(), random(), kTemporarySuffix);
}

}  // namespace

Result<std::unique_ptr<ChangeLog>> ChangeLog::open(FileSystem& fs, std::string dir,
                                                   const Visit& visit, CheckLock check_lock) {
  std::unique_ptr<ChangeLog> log(new ChangeLog(fs, std::move(dir), std::move(check_lock)));
  if (!fs.exists(log->dir_)) return log;
  // Names that a killed process has not synced are told to others from here on.
  ADWEAVE_TRY(fs.sync_dir(parent_path(log->dir_)));
  ADWEAVE_TRY(fs.sync_dir(log->dir_));
  ADWEAVE_ASSIGN(log->tail_, read(fs, log->dir_, visit));
  return log;
}

Status ChangeLog::visit(const FileSystem& fs, const std::string& dir, const Visit& visit) {
  if (!fs.exists(dir)) return {};
  ADWEAVE_TRY(read(fs, dir, visit));
  return {};
}

Result<ChangeLog::Tail> ChangeLog::read(const FileSystem& fs, const std::string& dir,
                                        const Visit& visit) {
  Tail tail;
  ADWEAVE_ASSIGN(const std::vector<std::string> names, fs.list(dir));
  for (const std::string& name : names) {
    const std::optional<int64_t> number = number_in_name(name, kSuffix);
    if (!number) continue;
    const std::string path = join_path(dir, name);
    if (*number != tail.size + 1) {
      return Error{ErrorCode::corrupt,
                   path_of(dir, tail.size + 1) + " is missing, and " + path + " is there",
                   "restore the file from a backup; nothing has been changed"};
    }
    ADWEAVE_ASSIGN(const std::string line, read_file(fs, path, limits::kRegistryChangeBytesMax));
    Result<NumberedChange> change = parse_line(line);
    if (!change) return std::move(change).error().within(path);
    if (change->number != *number || change->previous != tail.checksum) {
      return Error{ErrorCode::corrupt, path + ": it does not follow the change before it",
                   "restore both files from a backup; nothing has been changed"};
    }
    if (Status done = visit(change->change); !done) return std::move(done).error().within(path);
    tail = {*number, checksum_of(line)};
  }
  return tail;
}

Status ChangeLog::append(const Change& change) {
  if (failure_) return *failure_;
  const std::string line =
      to_line({.number = tail_.size + 1, .previous = tail_.checksum, .change = change});
  if (Status written = write(line); !written) {
    failure_ = written.error();
    if (failure_->code == ErrorCode::exists)
      failure_->fix = "another server writes this registry: end this one";
    if (failure_->code == ErrorCode::io)
      failure_->fix = "see to the disk, then start the server again";
    return *failure_;
  }
  tail_ = {tail_.size + 1, checksum_of(line)};
  return {};
}

Status ChangeLog::write(const std::string& line) {
  if (temporary_.empty()) ADWEAVE_TRY(prepare());
  const std::string temporary = join_path(dir_, temporary_);
  ADWEAVE_TRY(write_synced(fs_, temporary, line));
  if (check_lock_) ADWEAVE_TRY(check_lock_());
  ADWEAVE_TRY(fs_.link(temporary, path_of(dir_, tail_.size + 1)));
  ADWEAVE_TRY(fs_.sync_dir(dir_));
  return fs_.unlink(temporary);
}

// Makes the folder, and removes what killed writers left in it.
Status ChangeLog::prepare() {
  ADWEAVE_TRY(make_dirs(fs_, dir_));
  ADWEAVE_ASSIGN(const std::vector<std::string> names, fs_.list(dir_));
  for (const std::string& name : names) {
    if (name.ends_with(kTemporarySuffix)) ADWEAVE_TRY(fs_.unlink(join_path(dir_, name)));
  }
  temporary_ = temporary_name();
  return {};
}

std::string ChangeLog::path_of(const std::string& dir, int64_t number) {
  return join_path(dir, fmt::format("{:020}{}", number, kSuffix));
}

}  // namespace adweave::registry
