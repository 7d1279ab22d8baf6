// SPDX-License-Identifier: Apache-2.0
// The changes of a registry on disk: each a file of its own, `<20 digits>.change`, numbered from 1
// on. A change is written under another name, synced, and then linked to its number, which never
// replaces another one. So whatever has a number is whole, and what is damaged was so later.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/file_system.h"
#include "registry/change.h"

namespace adweave::registry {

// Used by one thread at a time.
class ChangeLog {
 public:
  // Visits all changes in `dir`, in their order; a folder that is not there has none, but the one
  // that it lies in must be there and durable. Fails with
  // corrupt or newer_format, naming the file, and with what `visit` fails with. `check_lock` is
  // asked before a change gets its number: it fails once another server may write; it may be empty.
  using Visit = std::function<Status(const Change& change)>;
  using CheckLock = std::function<Status()>;
  static Result<std::unique_ptr<ChangeLog>> open(FileSystem& fs, std::string dir,
                                                 const Visit& visit, CheckLock check_lock = {});

  // The same for who only reads: nothing is synced.
  static Status visit(const FileSystem& fs, const std::string& dir, const Visit& visit);

  // On its return the change outlives a power cut. A failure is final: it is not known what is on
  // disk, so every later call fails too, until the log is opened again.
  Status append(const Change& change);

  int64_t size() const { return tail_.size; }

 private:
  ChangeLog(FileSystem& fs, std::string dir, CheckLock check_lock)
      : fs_(fs), dir_(std::move(dir)), check_lock_(std::move(check_lock)) {}

  // How far a log goes.
  struct Tail {
    int64_t size = 0;
    uint32_t checksum = 0;  // of the last change
  };
  static Result<Tail> read(const FileSystem& fs, const std::string& dir, const Visit& visit);
  static std::string path_of(const std::string& dir, int64_t number);

  Status prepare();
  Status write(const std::string& line);

  FileSystem& fs_;
  std::string dir_;
  CheckLock check_lock_;
  Tail tail_;
  std::string temporary_;  // name of what is not linked yet; empty: nothing was written
  std::optional<Error> failure_;
};

}  // namespace adweave::registry
