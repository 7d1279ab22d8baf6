// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/file_system.h"

namespace adweave {

namespace {

std::string advice(int error, const std::string& path) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free space on the disk that holds " + path + ", then run again";
    case EACCES:
    case EPERM:
    case EROFS:
      return "check the owner and the permissions of " + path;
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    case ENOENT:
      return "check the path";
    default:
      return "";
  }
}

Error system_error(std::string_view what, const std::string& path) {
  const int error = errno;
  const ErrorCode code = error == EEXIST                       ? ErrorCode::exists
                         : error == ENOENT || error == ENOTDIR ? ErrorCode::not_found
                                                               : ErrorCode::io;
  return {code, path + ": cannot " + std::string(what) + ": " + std::strerror(error),
          advice(error, path)};
}

class PosixFile : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  Status write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return system_error("write", path_);
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return {};
  }

  Status sync() override {
    if (::fdatasync(fd_.get()) != 0) return system_error("fsync", path_);
    return {};
  }

  Status close() override {
    if (::close(fd_.release()) != 0 && errno != EINTR) return system_error("close", path_);
    return {};
  }

  Result<int64_t> read_at(int64_t offset, char* out, int64_t size) const override {
    int64_t done = 0;
    while (done < size) {
      const ssize_t read = ::pread(fd_.get(), out + done, static_cast<size_t>(size - done),
                                   static_cast<off_t>(offset + done));
      if (read < 0 && errno == EINTR) continue;
      if (read < 0) return system_error("read", path_);
      if (read == 0) break;
      done += read;
    }
    return done;
  }

 private:
  Descriptor fd_;
  std::string path_;
};

class PosixMap : public MappedFile {
 public:
  PosixMap(void* bytes, size_t size) : bytes_(bytes), size_(size) {}
  PosixMap(const PosixMap&) = delete;
  PosixMap& operator=(const PosixMap&) = delete;
  ~PosixMap() override {
    if (size_ > 0) ::munmap(bytes_, size_);
  }
  std::string_view bytes() const override { return {static_cast<const char*>(bytes_), size_}; }

 private:
  void* bytes_;
  size_t size_;
};

// Whether `path` still names the file that is open as `fd`: another process may have replaced it.
bool same_file(int fd, const std::string& path) {
  struct stat open_file{};
  struct stat named{};
  return ::fstat(fd, &open_file) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

class PosixLock : public Lock {
 public:
  PosixLock(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  bool is_held() const override { return same_file(fd_.get(), path_); }

 private:
  Descriptor fd_;
  std::string path_;
};

std::string holder_of(int fd) {
  char text[256] = {};
  const ssize_t size = ::pread(fd, text, sizeof text - 1, 0);
  std::string holder(text, size > 0 ? static_cast<size_t>(size) : 0);
  while (!holder.empty() && holder.back() == '\n') holder.pop_back();
  return holder.empty() ? "another process" : holder;
}

Status write_holder(int fd, const std::string& path, std::string_view holder) {
  const std::string line = std::string(holder) + "\n";
  const bool written = ::ftruncate(fd, 0) == 0 && ::pwrite(fd, line.data(), line.size(), 0) ==
                                                      static_cast<ssize_t>(line.size());
  return written ? Status() : system_error("write", path);
}

class PosixFileSystem : public FileSystem {
 public:
  Result<std::unique_ptr<File>> create_exclusive(const std::string& path) override {
    return open_file(path, O_WRONLY | O_CREAT | O_EXCL, "create");
  }

  Result<std::unique_ptr<File>> open(const std::string& path) const override {
    return open_file(path, O_RDONLY, "open");
  }

  Result<std::unique_ptr<MappedFile>> map(const std::string& path) const override {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status{};
    if (fd.get() < 0 || ::fstat(fd.get(), &status) != 0) return system_error("open", path);
    const auto size = static_cast<size_t>(status.st_size);
    void* bytes = size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (bytes == MAP_FAILED) return system_error("map", path);
    return std::unique_ptr<MappedFile>(std::make_unique<PosixMap>(bytes, size));
  }

  Status make_dir(const std::string& path) override {
    if (::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST)
      return system_error("make the folder", path);
    return {};
  }

  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0)
      return system_error("rename " + from + " to it", to);
    return {};
  }

  Status link(const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) != 0) return system_error("link " + from + " to it", to);
    return {};
  }

  Status unlink(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return system_error("remove", path);
    return {};
  }

  Status sync_dir(const std::string& path) override {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0) return system_error("open", path);
    if (::fsync(fd.get()) != 0) return system_error("fsync", path);
    return {};
  }

  Result<std::vector<std::string>> list(const std::string& path) const override {
    DIR* dir = ::opendir(path.c_str());
    if (dir == nullptr) return system_error("list", path);
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(dir)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    ::closedir(dir);
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<FileInfo> info(const std::string& path) const override {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return system_error("find", path);
    const auto micros = [](const timespec& time) {
      return static_cast<int64_t>(time.tv_sec) * 1'000'000 + time.tv_nsec / 1'000;
    };
    return FileInfo{status.st_size, micros(status.st_mtim), S_ISDIR(status.st_mode),
                    micros(status.st_ctim), status.st_ino};
  }

  Result<std::unique_ptr<Lock>> lock(const std::string& path, std::string_view holder,
                                     bool take_over) override {
    return take_over ? replace_lock(path, holder) : take_lock(path, holder);
  }

 private:
  static Result<std::unique_ptr<File>> open_file(const std::string& path, int flags,
                                                 const char* what) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
    if (fd < 0) return system_error(what, path);
    return std::unique_ptr<File>(std::make_unique<PosixFile>(fd, path));
  }

  static Result<std::unique_ptr<Lock>> take_lock(const std::string& path, std::string_view holder) {
    while (true) {
      Descriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
      if (fd.get() < 0) return system_error("open", path);
      if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return system_error("lock", path);
        return Error{ErrorCode::locked, path + ": held by " + holder_of(fd.get()),
                     "wait until it ends, or use --take-over if it hangs", Recovery::retry};
      }
      if (!same_file(fd.get(), path)) continue;
      ADWEAVE_TRY(write_holder(fd.get(), path, holder));
      return std::unique_ptr<Lock>(std::make_unique<PosixLock>(fd.release(), path));
    }
  }

  static Result<std::unique_ptr<Lock>> replace_lock(const std::string& path,
                                                    std::string_view holder) {
    const std::string temporary = path + ".new";
    Descriptor fd(::open(temporary.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (fd.get() < 0) return system_error("open", temporary);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      return Error{ErrorCode::locked, path + ": is being taken over by " + holder_of(fd.get()),
                   "run one --take-over at a time", Recovery::retry};
    }
    ADWEAVE_TRY(write_holder(fd.get(), temporary, holder));
    if (::rename(temporary.c_str(), path.c_str()) != 0) return system_error("put in place", path);
    return std::unique_ptr<Lock>(std::make_unique<PosixLock>(fd.release(), path));
  }
};

}  // namespace

std::unique_ptr<FileSystem> make_posix_file_system() {
  return std::make_unique<PosixFileSystem>();
}

}  // namespace adweave
