// SPDX-License-Identifier: Apache-2.0
// A disk in memory that knows what would survive a power cut: of a file the bytes up to its last
// sync(), of a folder the names up to its last sync_dir(). Copying a disk copies all of it, so a
// test can keep the state of every step.
//
// Not thread-safe towards copies; calls of the FileSystem may come from several threads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>

#include "base/file_system.h"

namespace adweave::tests {

class SimulatedDisk : public FileSystem {
 public:
  SimulatedDisk();

  // What a machine finds after a power cut: only what was synced, or with `luck` a random part of
  // the rest too.
  std::unique_ptr<SimulatedDisk> after_power_cut(std::mt19937_64* luck) const;
  // What a new process finds after the old one was killed: everything.
  std::unique_ptr<SimulatedDisk> after_kill() const;

  // Called before every change with what it is: "write /data/ledger/2.tmp". One call at a time,
  // whoever changes the disk. May use the disk itself.
  std::function<void(const std::string&)> before_change;

  // Puts a file there, synced with all its folders; `modified_us` as info() tells it.
  void put(const std::string& path, std::string bytes, int64_t modified_us);

  Result<std::unique_ptr<File>> create_exclusive(const std::string& path) override;
  Result<std::unique_ptr<File>> open(const std::string& path) const override;
  Status make_dir(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status link(const std::string& from, const std::string& to) override;
  Status unlink(const std::string& path) override;
  Status sync_dir(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) const override;
  Result<FileInfo> info(const std::string& path) const override;
  Result<std::unique_ptr<Lock>> lock(const std::string& path, std::string_view holder,
                                     bool take_over) override;

 private:
  friend class SimulatedFile;
  friend class SimulatedLock;

  struct Inode {
    bool is_directory = false;
    int64_t modified_us = 0;
    std::string bytes;
    size_t synced_bytes = 0;
    std::map<std::string, int64_t> names;         // of a folder: name -> inode
    std::map<std::string, int64_t> synced_names;  // as of the last sync_dir()
    std::string lock_holder;
  };

  void changing(const std::string& what) const;
  int64_t find(const std::string& path) const;  // inode; -1 when there is none
  Result<int64_t> folder_of(const std::string& path) const;
  int64_t add_inode(bool is_directory);
  std::unique_ptr<SimulatedDisk> copy() const;

  mutable std::recursive_mutex change_mutex_;  // during before_change; comes before mutex_
  mutable std::recursive_mutex mutex_;
  std::map<int64_t, Inode> inodes_;
  int64_t next_inode_ = 1;
};

}  // namespace adweave::tests
