// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fault_file_system.h"

namespace adweave::tests {

class FaultFile : public File {
 public:
  FaultFile(FaultFileSystem& fs, std::unique_ptr<File> file, std::string path)
      : fs_(fs), file_(std::move(file)), path_(std::move(path)) {}

  Status write(std::string_view bytes) override {
    ADWEAVE_TRY(fs_.changing("write " + path_));
    return file_->write(bytes);
  }
  Status sync() override {
    ADWEAVE_TRY(fs_.changing("fsync " + path_));
    if (fs_.bugs_.no_file_sync && path_.starts_with(fs_.bugs_.below)) return {};
    if (!fs_.bugs_.link_before_sync) return file_->sync();
    const std::lock_guard guard(fs_.mutex_);
    fs_.unsynced_.push_back(file_);
    return {};
  }
  Status close() override { return fs_.bugs_.link_before_sync ? Status() : file_->close(); }
  Result<int64_t> read_at(int64_t offset, char* out, int64_t size) const override {
    return file_->read_at(offset, out, size);
  }

 private:
  FaultFileSystem& fs_;
  std::shared_ptr<File> file_;
  std::string path_;
};

Status FaultFileSystem::changing(const std::string& change) {
  const std::lock_guard guard(mutex_);
  ++changes_;
  return before_change ? before_change(changes_, change) : Status();
}

Result<std::unique_ptr<File>> FaultFileSystem::create_exclusive(const std::string& path) {
  ADWEAVE_TRY(changing("create " + path));
  ADWEAVE_ASSIGN(std::unique_ptr<File> file, fs_.create_exclusive(path));
  return std::unique_ptr<File>(std::make_unique<FaultFile>(*this, std::move(file), path));
}

Status FaultFileSystem::make_dir(const std::string& path) {
  ADWEAVE_TRY(changing("mkdir " + path));
  return fs_.make_dir(path);
}

Status FaultFileSystem::rename(const std::string& from, const std::string& to) {
  ADWEAVE_TRY(changing("rename " + to));
  return fs_.rename(from, to);
}

Status FaultFileSystem::link(const std::string& from, const std::string& to) {
  ADWEAVE_TRY(changing("link " + to));
  if (bugs_.no_fence && fs_.exists(to)) ADWEAVE_TRY(fs_.unlink(to));
  ADWEAVE_TRY(fs_.link(from, to));
  const std::lock_guard guard(mutex_);
  for (const auto& file : unsynced_) {
    ADWEAVE_TRY(changing("late fsync"));
    ADWEAVE_TRY(file->sync());
  }
  unsynced_.clear();
  return {};
}

Status FaultFileSystem::unlink(const std::string& path) {
  ADWEAVE_TRY(changing("unlink " + path));
  return fs_.unlink(path);
}

Status FaultFileSystem::sync_dir(const std::string& path) {
  ADWEAVE_TRY(changing("fsync folder " + path));
  return bugs_.no_folder_sync ? Status() : fs_.sync_dir(path);
}

}  // namespace adweave::tests
