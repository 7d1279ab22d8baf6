// SPDX-License-Identifier: Apache-2.0
#include "tests/support/simulated_disk.h"

#include <algorithm>
#include <cstring>

namespace adweave::tests {

namespace {

constexpr int64_t kRoot = 0;

Error no_such(const std::string& path) {
  return {ErrorCode::not_found, path + ": No such file or directory"};
}
Error taken(const std::string& path) {
  return {ErrorCode::exists, path + ": File exists"};
}

std::string name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

class SimulatedFile : public File {
 public:
  SimulatedFile(SimulatedDisk& disk, int64_t inode, std::string path)
      : disk_(&disk), inode_(inode), path_(std::move(path)) {}

  Status write(std::string_view bytes) override {
    disk_->changing("write " + path_);
    const std::lock_guard guard(disk_->mutex_);
    disk_->inodes_.at(inode_).bytes.append(bytes);
    return {};
  }
  Status sync() override {
    disk_->changing("sync " + path_);
    const std::lock_guard guard(disk_->mutex_);
    SimulatedDisk::Inode& inode = disk_->inodes_.at(inode_);
    inode.synced_bytes = inode.bytes.size();
    return {};
  }
  Status close() override { return {}; }
  Result<int64_t> read_at(int64_t offset, char* out, int64_t size) const override {
    const std::lock_guard guard(disk_->mutex_);
    const std::string& bytes = disk_->inodes_.at(inode_).bytes;
    const auto begin = std::min(bytes.size(), static_cast<size_t>(offset));
    const auto count = std::min(bytes.size() - begin, static_cast<size_t>(size));
    std::memcpy(out, bytes.data() + begin, count);
    return static_cast<int64_t>(count);
  }

 private:
  SimulatedDisk* disk_;
  int64_t inode_;
  std::string path_;
};

class SimulatedLock : public Lock {
 public:
  SimulatedLock(SimulatedDisk& disk, int64_t inode, std::string path)
      : disk_(&disk), inode_(inode), path_(std::move(path)) {}
  ~SimulatedLock() override {
    const std::lock_guard guard(disk_->mutex_);
    const auto it = disk_->inodes_.find(inode_);
    if (it != disk_->inodes_.end()) it->second.lock_holder.clear();
  }
  bool is_held() const override {
    const std::lock_guard guard(disk_->mutex_);
    return disk_->find(path_) == inode_;
  }

 private:
  SimulatedDisk* disk_;
  int64_t inode_;
  std::string path_;
};

SimulatedDisk::SimulatedDisk() {
  inodes_[kRoot].is_directory = true;
}

std::unique_ptr<SimulatedDisk> SimulatedDisk::copy() const {
  const std::lock_guard guard(mutex_);
  auto disk = std::make_unique<SimulatedDisk>();
  disk->inodes_ = inodes_;
  disk->next_inode_ = next_inode_;
  for (auto& [id, inode] : disk->inodes_) inode.lock_holder.clear();
  return disk;
}

std::unique_ptr<SimulatedDisk> SimulatedDisk::after_kill() const {
  return copy();
}

std::unique_ptr<SimulatedDisk> SimulatedDisk::after_power_cut(std::mt19937_64* luck) const {
  std::unique_ptr<SimulatedDisk> disk = copy();
  const auto lucky = [&] { return luck != nullptr && ((*luck)() & 1) != 0; };
  for (auto& [id, inode] : disk->inodes_) {
    if (lucky() && inode.bytes.size() > inode.synced_bytes) {
      inode.synced_bytes += (*luck)() % (inode.bytes.size() - inode.synced_bytes + 1);
    }
    inode.bytes.resize(inode.synced_bytes);
    std::map<std::string, int64_t> names = inode.synced_names;
    for (const auto& [name, target] : inode.names) {
      if (lucky()) names[name] = target;
    }
    for (const auto& [name, target] : inode.synced_names) {
      if (!inode.names.contains(name) && lucky()) names.erase(name);
    }
    inode.names = names;
    inode.synced_names = std::move(names);
  }
  return disk;
}

void SimulatedDisk::changing(const std::string& what) const {
  const std::lock_guard guard(change_mutex_);  // not mutex_: others may read while it waits
  if (before_change) before_change(what);
}

int64_t SimulatedDisk::find(const std::string& path) const {
  int64_t inode = kRoot;
  size_t begin = 0;
  while (begin < path.size()) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    begin = end + 1;
    if (name.empty() || name == ".") continue;
    const Inode& folder = inodes_.at(inode);
    const auto it = folder.names.find(name);
    if (it == folder.names.end()) return -1;
    inode = it->second;
  }
  return inode;
}

Result<int64_t> SimulatedDisk::folder_of(const std::string& path) const {
  const int64_t inode = find(parent_path(path));
  if (inode < 0 || !inodes_.at(inode).is_directory) return no_such(parent_path(path));
  return inode;
}

int64_t SimulatedDisk::add_inode(bool is_directory) {
  inodes_[next_inode_].is_directory = is_directory;
  return next_inode_++;
}

void SimulatedDisk::put(const std::string& path, std::string bytes, int64_t modified_us) {
  const std::lock_guard guard(mutex_);
  if (find(parent_path(path)) < 0) CHECK(make_dirs(*this, parent_path(path)));
  const int64_t id = add_inode(false);
  Inode& inode = inodes_.at(id);
  inode.bytes = std::move(bytes);
  inode.synced_bytes = inode.bytes.size();
  inode.modified_us = modified_us;
  Inode& folder = inodes_.at(*folder_of(path));
  folder.names[name_of(path)] = id;
  folder.synced_names[name_of(path)] = id;
}

Result<std::unique_ptr<File>> SimulatedDisk::create_exclusive(const std::string& path) {
  changing("create " + path);
  const std::lock_guard guard(mutex_);
  ADWEAVE_ASSIGN(const int64_t folder, folder_of(path));
  if (inodes_.at(folder).names.contains(name_of(path))) return taken(path);
  const int64_t id = add_inode(false);
  inodes_.at(folder).names[name_of(path)] = id;
  return std::unique_ptr<File>(std::make_unique<SimulatedFile>(*this, id, path));
}

Result<std::unique_ptr<File>> SimulatedDisk::open(const std::string& path) const {
  const std::lock_guard guard(mutex_);
  const int64_t id = find(path);
  if (id < 0) return no_such(path);
  return std::unique_ptr<File>(
      std::make_unique<SimulatedFile>(const_cast<SimulatedDisk&>(*this), id, path));
}

Status SimulatedDisk::make_dir(const std::string& path) {
  changing("make folder " + path);
  const std::lock_guard guard(mutex_);
  if (find(path) >= 0) return {};
  ADWEAVE_ASSIGN(const int64_t folder, folder_of(path));
  const int64_t id = add_inode(true);
  inodes_.at(folder).names[name_of(path)] = id;
  return {};
}

Status SimulatedDisk::rename(const std::string& from, const std::string& to) {
  changing("rename " + from + " to " + to);
  const std::lock_guard guard(mutex_);
  const int64_t id = find(from);
  if (id < 0) return no_such(from);
  ADWEAVE_ASSIGN(const int64_t folder, folder_of(to));
  inodes_.at(*folder_of(from)).names.erase(name_of(from));
  inodes_.at(folder).names[name_of(to)] = id;
  return {};
}

Status SimulatedDisk::link(const std::string& from, const std::string& to) {
  changing("link " + to);
  const std::lock_guard guard(mutex_);
  const int64_t id = find(from);
  if (id < 0) return no_such(from);
  ADWEAVE_ASSIGN(const int64_t folder, folder_of(to));
  if (inodes_.at(folder).names.contains(name_of(to))) return taken(to);
  inodes_.at(folder).names[name_of(to)] = id;
  return {};
}

Status SimulatedDisk::unlink(const std::string& path) {
  changing("unlink " + path);
  const std::lock_guard guard(mutex_);
  if (find(path) < 0) return no_such(path);
  inodes_.at(*folder_of(path)).names.erase(name_of(path));
  return {};
}

Status SimulatedDisk::sync_dir(const std::string& path) {
  changing("sync folder " + path);
  const std::lock_guard guard(mutex_);
  const int64_t id = find(path);
  if (id < 0) return no_such(path);
  Inode& inode = inodes_.at(id);
  inode.synced_names = inode.names;
  return {};
}

Result<std::vector<std::string>> SimulatedDisk::list(const std::string& path) const {
  const std::lock_guard guard(mutex_);
  const int64_t id = find(path);
  if (id < 0) return no_such(path);
  std::vector<std::string> names;
  for (const auto& [name, inode] : inodes_.at(id).names) names.push_back(name);
  return names;
}

Result<FileInfo> SimulatedDisk::info(const std::string& path) const {
  const std::lock_guard guard(mutex_);
  const int64_t id = find(path);
  if (id < 0) return no_such(path);
  const Inode& inode = inodes_.at(id);
  return FileInfo{static_cast<int64_t>(inode.bytes.size()), inode.modified_us, inode.is_directory,
                  inode.modified_us, static_cast<uint64_t>(id)};
}

Result<std::unique_ptr<Lock>> SimulatedDisk::lock(const std::string& path, std::string_view holder,
                                                  bool take_over) {
  if (take_over || !exists(path)) changing("create " + path);
  const std::lock_guard guard(mutex_);
  ADWEAVE_ASSIGN(const int64_t folder, folder_of(path));
  int64_t id = find(path);
  if (id >= 0 && !take_over && !inodes_.at(id).lock_holder.empty()) {
    return Error{ErrorCode::locked, path + ": held by " + inodes_.at(id).lock_holder};
  }
  if (id < 0 || take_over) {
    id = add_inode(false);
    inodes_.at(folder).names[name_of(path)] = id;
  }
  inodes_.at(id).lock_holder = holder;
  return std::unique_ptr<Lock>(std::make_unique<SimulatedLock>(*this, id, path));
}

}  // namespace adweave::tests
