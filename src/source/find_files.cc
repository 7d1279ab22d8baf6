// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
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

SourceFile source_file(const std::string& folder, const std::string& path, const FileInfo& info) {
  SourceFile file;
  file.path = path;
  const std::string prefix = join_path(folder, "");
  file.name = path.starts_with(prefix) ? path.substr(prefix.size()) : path;
  file.size = info.size;
  file.modified_us = info.modified_us;
  file.number = info.number;
  return file;
}

class Search {
 public:
  Search(const FileSystem& fs, const std::string& folder) : fs_(fs), folder_(folder) {}

  Status add(std::string_view pattern) {
    const bool is_absolute = pattern.starts_with('/');
    return is_absolute ? expand("/", pattern.substr(1), false) : expand(folder_, pattern, false);
  }

  std::vector<SourceFile> take() {
    std::vector<SourceFile> files;
    for (auto& [path, file] : found_) files.push_back(std::move(file));
    return files;
  }

 private:
  // Adds what fits the rest of a pattern below a path. What was `listed` may be gone since, or lack
  // what else the pattern names.
  Status expand(const std::string& path, std::string_view rest, bool listed) {
    const size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    const bool is_last = slash == std::string_view::npos;
    std::vector<std::string> names = {std::string(part)};
    if (has_wildcard(part)) {
      Result<std::vector<std::string>> all = fs_.list(path.empty() ? "." : path);
      if (!all) return unless_gone(std::move(all).error(), listed);
      names = *std::move(all);
      std::erase_if(
          names, [&](const std::string& name) { return name.front() == '.' || !fits(part, name); });
      listed = true;
    }
    for (const std::string& name : names) {
      const std::string below = name.empty() ? path + "/" : join_path(path, name);
      ADWEAVE_TRY(is_last ? find(below, listed) : expand(below, rest.substr(slash + 1), listed));
    }
    return {};
  }

  Status find(const std::string& path, bool listed) {
    Result<FileInfo> info = fs_.info(path);
    if (!info) return unless_gone(std::move(info).error(), listed);
    if (!info->is_directory) found_.emplace(path, source_file(folder_, path, *info));
    return {};
  }

  static Status unless_gone(Error error, bool listed) {
    return listed && error.code == ErrorCode::not_found ? Status() : Status(std::move(error));
  }

  const FileSystem& fs_;
  const std::string& folder_;
  std::map<std::string, SourceFile> found_;  // by path
};

}  // namespace

Result<std::vector<SourceFile>> find_files(const FileSystem& fs, const std::string& folder,
                                           std::span<const std::string> patterns) {
  Search search(fs, folder);
  for (const std::string& pattern : patterns) ADWEAVE_TRY(search.add(pattern));
  return search.take();
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
