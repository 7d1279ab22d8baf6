// SPDX-License-Identifier: Apache-2.0
// The one seam between the engine and the disk. Everything durable goes through it, so that tests
// can stop the program at any write, fsync, rename, link, unlink or mkdir, lose what was not
// synced, or refuse a call.
//
// Paths are UTF-8, '/'-separated. All functions may be called from several threads; one File is
// used by one thread at a time. A failed sync() means the file's state is unknown: the caller must
// stop, never retry.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace adweave {

// An open file for writing (create_exclusive) or reading (open). Closed by the destructor.
class File {
 public:
  virtual ~File() = default;
  // Appends all of `bytes`; short writes and EINTR are handled inside.
  virtual Status write(std::string_view bytes) = 0;
  // fdatasync/fsync: on success the bytes written so far survive a power cut (the name does not:
  // sync_dir).
  virtual Status sync() = 0;
  // Closes and reports what close(2) reports. The destructor closes silently.
  virtual Status close() = 0;
  // Reads up to `size` bytes at `offset` into `out`; fewer only at the end of the file.
  virtual Result<int64_t> read_at(int64_t offset, char* out, int64_t size) const = 0;
};

// The bytes of a file, readable as long as this lives, whatever becomes of its name. Only for files
// that are never changed in place.
class MappedFile {
 public:
  virtual ~MappedFile() = default;
  virtual std::string_view bytes() const = 0;
};

// An exclusive lock, held until it is destroyed or the process ends, however it ends.
class Lock {
 public:
  virtual ~Lock() = default;
  // False once another process has taken over. Until it is, what was synced before the call is
  // there for whoever takes over. Any thread.
  virtual bool is_held() const = 0;
};

struct FileInfo {
  int64_t size = 0;
  int64_t modified_us = 0;  // microseconds since the epoch
  bool is_directory = false;
  int64_t changed_us = 0;  // when its bytes or its names last changed; nobody can set it
  uint64_t number = 0;     // the file itself, whatever it is called
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // Fails with exists when the name is taken.
  virtual Result<std::unique_ptr<File>> create_exclusive(const std::string& path) = 0;
  virtual Result<std::unique_ptr<File>> open(const std::string& path) const = 0;
  // The operating system brings in what is looked at; here the whole file is read.
  virtual Result<std::unique_ptr<MappedFile>> map(const std::string& path) const;
  // Makes one directory; an existing one is fine. The parent must exist.
  virtual Status make_dir(const std::string& path) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  // Fails with exists when `to` is taken: the put-if-absent that decides a commit.
  virtual Status link(const std::string& from, const std::string& to) = 0;
  // Removing what is not there is an error not_found.
  virtual Status unlink(const std::string& path) = 0;
  // Makes the directory's entries survive a power cut.
  virtual Status sync_dir(const std::string& path) = 0;
  // Names in a directory, sorted, without "." and "..".
  virtual Result<std::vector<std::string>> list(const std::string& path) const = 0;
  virtual Result<FileInfo> info(const std::string& path) const = 0;

  // Takes the lock file `path` and writes `holder` into it. Fails with locked, quoting the holder,
  // when another process has it. With `take_over` a new lock file is put in its place, whoever
  // holds the old one.
  virtual Result<std::unique_ptr<Lock>> lock(const std::string& path, std::string_view holder,
                                             bool take_over) = 0;

  bool exists(const std::string& path) const { return info(path).has_value(); }
};

// The operating system's. Stateless.
std::unique_ptr<FileSystem> make_posix_file_system();

// Whole content of a file; fails when it is over `limit` bytes.
Result<std::string> read_file(const FileSystem& fs, const std::string& path, int64_t limit);

// Creates each missing directory of `path` and syncs the parent of every one it made.
Status make_dirs(FileSystem& fs, const std::string& path);

// Creates `path` exclusively with `bytes` and syncs it (the name is not yet synced: sync_dir).
Status write_synced(FileSystem& fs, const std::string& path, std::string_view bytes);

// Writes `bytes` to `temporary`, syncs it, renames it to `path` and syncs the directory.
Status replace_file(FileSystem& fs, const std::string& temporary, const std::string& path,
                    std::string_view bytes);
// The same of what `write` writes.
Status replace_file(FileSystem& fs, const std::string& temporary, const std::string& path,
                    const std::function<Status(File&)>& write);

// "a/b/c" -> "a/b"; "c" -> ".".
std::string parent_path(const std::string& path);
std::string join_path(std::string_view folder, std::string_view name);

}  // namespace adweave
