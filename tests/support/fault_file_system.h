// SPDX-License-Identifier: Apache-2.0
// A file system that counts every change, can do something just before the k-th one, and can have
// bugs planted in it.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/file_system.h"

namespace adweave::tests {

// Bugs that the fault tests must find; a harness that misses one is broken.
struct PlantedBugs {
  bool no_fence = false;          // link() replaces what is there
  bool no_file_sync = false;      // sync() of a file does nothing, where its path begins with
  std::string below;              // this
  bool no_folder_sync = false;    // sync_dir() does nothing
  bool link_before_sync = false;  // files are synced only after the next link()
};

class FaultFileSystem : public FileSystem {
 public:
  // Called before each change with its number, from 1, and what it is; an Error is what the change
  // returns instead.
  using BeforeChange = std::function<Status(int64_t number, const std::string& change)>;

  explicit FaultFileSystem(FileSystem& fs, PlantedBugs bugs = {}) : fs_(fs), bugs_(bugs) {}

  BeforeChange before_change;
  int64_t changes() const { return changes_; }

  Result<std::unique_ptr<File>> create_exclusive(const std::string& path) override;
  Result<std::unique_ptr<File>> open(const std::string& path) const override {
    return fs_.open(path);
  }
  Status make_dir(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status link(const std::string& from, const std::string& to) override;
  Status unlink(const std::string& path) override;
  Status sync_dir(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) const override {
    return fs_.list(path);
  }
  Result<FileInfo> info(const std::string& path) const override { return fs_.info(path); }
  Result<std::unique_ptr<Lock>> lock(const std::string& path, std::string_view holder,
                                     bool take_over) override {
    return fs_.lock(path, holder, take_over);
  }

 private:
  friend class FaultFile;
  Status changing(const std::string& change);

  FileSystem& fs_;
  PlantedBugs bugs_;
  std::recursive_mutex mutex_;
  int64_t changes_ = 0;
  std::vector<std::shared_ptr<File>> unsynced_;  // of link_before_sync
};

}  // namespace adweave::tests
