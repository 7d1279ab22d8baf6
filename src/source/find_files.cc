// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>

#include "base/hash.h"
#include "base/limits.h"
#include "source/file_source.h"

namespace adweave::source {

namespace {

bool has_wildcard(std::string_view text) {
  return text.find_first_of("*?") != std::string_view::npos;
}

bool fits(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern.front() == '*') {
    for (size_t taken = 0; taken <= name.size(); ++taken) {
      if (fits(pattern.substr(1), name.substr(taken))) return true;
    }
    return false;
  }
  return !name.empty() && (pattern.front() == '?' || pattern.front() == name.front()) &&
         fits(pattern.substr(1), name.substr(1));
}

// Appends the paths below `folder` that fit the rest of a pattern.
Status expand(const FileSystem& fs, const std::string& folder, std::string_view pattern,
              std::vector<std::string>& paths) {
  const size_t slash = pattern.find('/');
  const std::string_view part = pattern.substr(0, slash);
  const std::string_view rest = slash == std::string_view::npos ? "" : pattern.substr(slash + 1);
  std::vector<std::string> names = {std::string(part)};
  if (has_wildcard(part)) {
    ADWEAVE_ASSIGN(names, fs.list(folder.empty() ? "." : folder));
    std::erase_if(
        names, [&](const std::string& name) { return name.front() == '.' || !fits(part, name); });
  }
  for (const std::string& name : names) {
    const std::string path = name.empty() ? folder + "/" : join_path(folder, name);
    if (!rest.empty()) {
      ADWEAVE_TRY(expand(fs, path, rest, paths));
      continue;
    }
    const Result<FileInfo> info = fs.info(path);
    if (!info) return info.error();
    if (!info->is_directory) paths.push_back(path);
  }
  return {};
}

Result<SourceFile> source_file(const FileSystem& fs, const std::string& folder,
                               const std::string& path) {
  SourceFile file;
  file.path = path;
  const std::string prefix = join_path(folder, "");
  file.name = path.starts_with(prefix) ? path.substr(prefix.size()) : path;
  ADWEAVE_ASSIGN(const FileInfo info, fs.info(path));
  file.size = info.size;
  file.modified_us = info.modified_us;
  file.number = info.number;
  return file;
}

}  // namespace

Result<std::vector<SourceFile>> find_files(const FileSystem& fs, const std::string& folder,
                                           std::span<const std::string> patterns) {
  std::vector<std::string> paths;
  for (const std::string& pattern : patterns) {
    const bool absolute = pattern.starts_with('/');
    ADWEAVE_TRY(expand(fs, absolute ? "/" : folder,
                       absolute ? std::string_view(pattern).substr(1) : pattern, paths));
  }
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  std::vector<SourceFile> files;
  for (const std::string& path : paths) {
    ADWEAVE_ASSIGN(SourceFile file, source_file(fs, folder, path));
    files.push_back(std::move(file));
  }
  return files;
}

Status identify(const FileSystem& fs, SourceFile& file) {
  ADWEAVE_ASSIGN(const std::unique_ptr<File> opened, fs.open(file.path));
  Hasher128 hasher;
  const std::unique_ptr<char[]> buffer(new char[static_cast<size_t>(limits::kContentReadBytes)]);
  file.size = 0;
  while (true) {
    ADWEAVE_ASSIGN(const int64_t read,
                   opened->read_at(file.size, buffer.get(), limits::kContentReadBytes));
    hasher.update({buffer.get(), static_cast<size_t>(read)});
    file.size += read;
    if (read < limits::kContentReadBytes) break;
  }
  file.hash = to_hex(hasher.digest());
  return {};
}

}  // namespace adweave::source
