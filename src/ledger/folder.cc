// SPDX-License-Identifier: Apache-2.0
#include "ledger/folder.h"

#include <charconv>

#include "base/hash.h"
#include "base/limits.h"
#include "ledger/records.h"

namespace adweave::ledger {

namespace {

constexpr const char* kFormatFile = "format_version";

Result<int> format_of(const FileSystem& fs, const std::string& dir) {
  const std::string path = join_path(dir, kFormatFile);
  const Result<std::string> text = read_file(fs, path, limits::kKiB);
  if (!text && text.error().code == ErrorCode::not_found) {
    return Error{ErrorCode::not_found,
                 dir + ": is no AdWeave data folder (it has no " + kFormatFile + ")",
                 "check --data, or make one with: adweave run -c CONFIG --data " + dir};
  }
  if (!text) return text.error();
  int version = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), version);
  if (error != std::errc() || version < 1 ||
      std::string_view(end, text->data() + text->size()) != "\n") {
    return Error{ErrorCode::corrupt, path + ": holds no format number"};
  }
  if (version > limits::kFormatVersion) {
    return Error{ErrorCode::newer_format,
                 dir + ": has format " + std::to_string(version) + ", this program knows up to " +
                     std::to_string(limits::kFormatVersion),
                 "use the newer adweave that wrote it"};
  }
  return version;
}

Status write_format(FileSystem& fs, const std::string& dir) {
  const std::string path = join_path(dir, kFormatFile);
  const Status written =
      replace_file(fs, path + ".new", path, std::to_string(limits::kFormatVersion) + "\n");
  // A writer that takes over may write the same file at the same time and take ours; its bytes are
  // the same.
  const bool taken = !written && written.error().code == ErrorCode::not_found && fs.exists(path);
  return taken ? fs.sync_dir(dir) : written;
}

}  // namespace

Status check_format(const FileSystem& fs, const std::string& dir) {
  const Result<int> format = format_of(fs, dir);
  return format ? Status() : Status(format.error());
}

Status make_folder(FileSystem& fs, const std::string& dir) {
  if (fs.exists(join_path(dir, kFormatFile))) {
    ADWEAVE_ASSIGN(const int format, format_of(fs, dir));
    return format < limits::kFormatVersion ? write_format(fs, dir) : Status();
  }
  if (has_record(fs, dir, 1)) {
    return Error{
        ErrorCode::corrupt, dir + ": has commits but no " + kFormatFile,
        "restore " + std::string(kFormatFile) + " from a backup; nothing has been changed"};
  }
  for (const char* name : {"ledger", "lake", "state"})
    ADWEAVE_TRY(make_dirs(fs, join_path(dir, name)));
  return write_format(fs, dir);
}

Result<std::string> hash_file(const FileSystem& fs, const std::string& path) {
  ADWEAVE_ASSIGN(const std::unique_ptr<File> file, fs.open(path));
  Hasher128 hasher;
  std::string buffer(static_cast<size_t>(limits::kMiB), '\0');
  for (int64_t offset = 0;;) {
    ADWEAVE_ASSIGN(const int64_t read, file->read_at(offset, buffer.data(), limits::kMiB));
    hasher.update({buffer.data(), static_cast<size_t>(read)});
    offset += read;
    if (read < limits::kMiB) return to_hex(hasher.digest());
  }
}

Status verify_file(const FileSystem& fs, const std::string& path, int64_t bytes,
                   const std::string& checksum) {
  ADWEAVE_ASSIGN(const FileInfo info, fs.info(path));
  if (info.size != bytes) {
    return Error{ErrorCode::corrupt, path + ": has " + std::to_string(info.size) +
                                         " bytes, the ledger says " + std::to_string(bytes)};
  }
  ADWEAVE_ASSIGN(const std::string found, hash_file(fs, path));
  if (found != checksum)
    return Error{ErrorCode::corrupt, path + ": its bytes do not have the ledger's checksum"};
  return {};
}

}  // namespace adweave::ledger
