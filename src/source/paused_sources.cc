// SPDX-License-Identifier: Apache-2.0
#include "source/paused_sources.h"

#include <utility>

#include "base/limits.h"

namespace adweave::source {

Result<std::unique_ptr<PausedSources>> PausedSources::open(FileSystem& fs, const std::string& dir) {
  std::unique_ptr<PausedSources> paused(new PausedSources(fs, join_path(dir, "paused")));
  const Result<std::string> text = read_file(fs, paused->path_, limits::kMiB);
  if (!text && text.error().code == ErrorCode::not_found) return paused;
  if (!text) return text.error();
  for (size_t begin = 0; begin < text->size();) {
    const size_t end = text->find('\n', begin);
    if (end == std::string::npos) {
      return Error{ErrorCode::corrupt, paused->path_ + ": its last line has no end",
                   "write the name of each paused source on a line, or remove the file"};
    }
    paused->names_.insert(text->substr(begin, end - begin));
    begin = end + 1;
  }
  return paused;
}

Result<bool> PausedSources::set(const std::string& source, bool paused) {
  const std::lock_guard writing(writing_);
  std::set<std::string, std::less<>> names;
  {
    const std::lock_guard guard(mutex_);
    names = names_;
  }
  const bool is_new = paused ? names.insert(source).second : names.erase(source) > 0;
  if (!is_new) return false;
  std::string text;
  for (const std::string& name : names) text.append(name).append("\n");
  // What a kill has left is in the way of nobody.
  static_cast<void>(fs_.unlink(path_ + ".new"));
  ADWEAVE_TRY(replace_file(fs_, path_ + ".new", path_, text));
  const std::lock_guard guard(mutex_);
  names_.swap(names);
  return true;
}

bool PausedSources::is_paused(std::string_view source) const {
  const std::lock_guard guard(mutex_);
  return names_.contains(source);
}

std::set<std::string> PausedSources::names() const {
  const std::lock_guard guard(mutex_);
  return {names_.begin(), names_.end()};
}

}  // namespace adweave::source
