// SPDX-License-Identifier: Apache-2.0
#include "base/file_system.h"

#include <limits>

namespace adweave {

namespace {

class FileInMemory : public MappedFile {
 public:
  explicit FileInMemory(std::string bytes) : bytes_(std::move(bytes)) {}
  std::string_view bytes() const override { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace

Result<std::unique_ptr<MappedFile>> FileSystem::map(const std::string& path) const {
  ADWEAVE_ASSIGN(std::string bytes, read_file(*this, path, std::numeric_limits<int64_t>::max()));
  return std::unique_ptr<MappedFile>(std::make_unique<FileInMemory>(std::move(bytes)));
}

Result<std::string> read_file(const FileSystem& fs, const std::string& path, int64_t limit) {
  ADWEAVE_ASSIGN(const std::unique_ptr<File> file, fs.open(path));
  ADWEAVE_ASSIGN(const FileInfo info, fs.info(path));
  if (info.size > limit) {
    return Error{ErrorCode::io, path + ": " + std::to_string(info.size) +
                                    " bytes, over the limit of " + std::to_string(limit)};
  }
  std::string bytes(static_cast<size_t>(info.size), '\0');
  ADWEAVE_ASSIGN(const int64_t read, file->read_at(0, bytes.data(), info.size));
  bytes.resize(static_cast<size_t>(read));
  return bytes;
}

Status make_dirs(FileSystem& fs, const std::string& path) {
  const Result<FileInfo> info = fs.info(path);
  if (info && info->is_directory) return {};
  if (info) {
    return Error{ErrorCode::io, path + ": is a file, a folder is needed",
                 "move it or choose another path"};
  }
  const std::string parent = parent_path(path);
  if (parent != path) ADWEAVE_TRY(make_dirs(fs, parent));
  ADWEAVE_TRY(fs.make_dir(path));
  return fs.sync_dir(parent);
}

namespace {

Status write_synced(FileSystem& fs, const std::string& path,
                    const std::function<Status(File&)>& write) {
  ADWEAVE_ASSIGN(const std::unique_ptr<File> file, fs.create_exclusive(path));
  ADWEAVE_TRY(write(*file));
  ADWEAVE_TRY(file->sync());
  return file->close();
}

}  // namespace

Status write_synced(FileSystem& fs, const std::string& path, std::string_view bytes) {
  return write_synced(fs, path, [&](File& file) { return file.write(bytes); });
}

Status replace_file(FileSystem& fs, const std::string& temporary, const std::string& path,
                    std::string_view bytes) {
  return replace_file(fs, temporary, path, [&](File& file) { return file.write(bytes); });
}

Status replace_file(FileSystem& fs, const std::string& temporary, const std::string& path,
                    const std::function<Status(File&)>& write) {
  if (fs.exists(temporary)) ADWEAVE_TRY(fs.unlink(temporary));
  ADWEAVE_TRY(write_synced(fs, temporary, write));
  ADWEAVE_TRY(fs.rename(temporary, path));
  return fs.sync_dir(parent_path(path));
}

std::string parent_path(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string join_path(std::string_view folder, std::string_view name) {
  std::string path(folder);
  if (!path.empty() && path.back() != '/') path += '/';
  return path.append(name);
}

}  // namespace adweave
