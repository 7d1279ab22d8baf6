// SPDX-License-Identifier: Apache-2.0
#include "query/checked_files.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/parallel.h"
#include "ledger/folder.h"

namespace adweave::query {

namespace {

constexpr std::string_view kCache = "state/checked";

struct Stated {
  std::string path;
  int64_t bytes = 0;
  std::string checksum;
};

// A line of the cache: a file that had its checksum when it last changed.
std::string line_of(const Stated& file, const FileInfo& info) {
  return fmt::format("{} {} {} {} {}", file.checksum, info.size, info.changed_us, info.number,
                     file.path);
}

// The lines of the cache; none when it is not there or not whole. Its last line is their checksum.
std::set<std::string> read_cache(const FileSystem& fs, const std::string& dir) {
  const Result<std::string> text =
      read_file(fs, join_path(dir, kCache), limits::kCheckedFilesBytesMax);
  if (!text) return {};
  const size_t end = text->rfind('\n');
  if (end == std::string::npos ||
      to_hex(hash128(text->substr(0, end + 1))) != text->substr(end + 1))
    return {};
  std::set<std::string> lines;
  for (size_t begin = 0; begin <= end;) {
    const size_t next = text->find('\n', begin);
    lines.insert(text->substr(begin, next - begin));
    begin = next + 1;
  }
  return lines;
}

// Who may not write there checks again the next time.
void write_cache(FileSystem& fs, const std::string& dir, const std::set<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text.append(line).append("\n");
  text += to_hex(hash128(text));
  const std::string path = join_path(dir, kCache);
  const auto thread = std::hash<std::thread::id>()(std::this_thread::get_id());
  const std::string temporary = fmt::format("{}.{:x}.new", path, thread);
  static_cast<void>(fs.unlink(temporary));
  static_cast<void>(replace_file(fs, temporary, path, text));
}

std::vector<Stated> stated_files(const ledger::Ledger& ledger, int64_t as_of) {
  std::vector<Stated> files;
  for (const event::DataFile& file : ledger.live_files("", as_of))
    files.push_back({file.path, file.bytes, file.checksum});
  for (const auto& [name, version] : ledger.dimensions(as_of)) {
    if (!version.checksum.empty()) files.push_back({version.path, version.bytes, version.checksum});
  }
  return files;
}

}  // namespace

std::map<std::string, std::string> damaged_files(FileSystem& fs, const std::string& dir,
                                                 const ledger::Ledger& ledger, int64_t as_of) {
  const std::vector<Stated> files = stated_files(ledger, as_of);
  const std::set<std::string> cache = read_cache(fs, dir);
  std::vector<std::string> lines(files.size());
  std::vector<std::string> problems(files.size());
  run_parallel(files.size(), static_cast<int>(std::thread::hardware_concurrency()), [&](size_t i) {
    const std::string path = join_path(dir, files[i].path);
    const Result<FileInfo> info = fs.info(path);
    if (info) lines[i] = line_of(files[i], *info);
    if (info && cache.contains(lines[i])) return;
    const Status sound = ledger::verify_file(fs, path, files[i].bytes, files[i].checksum);
    if (!sound) problems[i] = sound.error().message;
  });
  std::map<std::string, std::string> damaged;
  std::set<std::string> sound;
  for (size_t i = 0; i < files.size(); ++i) {
    if (problems[i].empty()) {
      sound.insert(lines[i]);
    } else {
      damaged[files[i].path] = problems[i];
    }
  }
  const bool known = std::includes(cache.begin(), cache.end(), sound.begin(), sound.end());
  if (!known) write_cache(fs, dir, sound);
  return damaged;
}

}  // namespace adweave::query
