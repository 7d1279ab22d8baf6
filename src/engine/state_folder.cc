// SPDX-License-Identifier: Apache-2.0
#include "engine/state_folder.h"

#include <charconv>

#include <fmt/format.h>

#include "base/numbered_name.h"

namespace adweave::engine {

std::string state_folder(const std::string& dir) {
  return join_path(dir, "state");
}

std::string ids_folder(const std::string& dir) {
  return join_path(state_folder(dir), "ids");
}

std::optional<StateFile> parse_state_file(std::string_view name) {
  StateFile file;
  if (name.size() <= kNumberedNameDigits || name[kNumberedNameDigits] != '-') return std::nullopt;
  if (!parse_whole(name.substr(0, kNumberedNameDigits), file.commit)) return std::nullopt;
  name.remove_prefix(kNumberedNameDigits + 1);
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), file.epoch);
  if (parsed.ec != std::errc()) return std::nullopt;
  file.rest = name.substr(static_cast<size_t>(parsed.ptr - name.data()));
  return file;
}

std::string state_file_name(int64_t commit, int64_t epoch, std::string_view rest) {
  return fmt::format("{:020}-{}{}", commit, epoch, rest);
}

Result<std::vector<std::string>> snapshot_names(const FileSystem& fs, const std::string& dir) {
  ADWEAVE_ASSIGN(std::vector<std::string> names, fs.list(state_folder(dir)));
  std::erase_if(names, [](const std::string& name) { return !name.ends_with(".snapshot"); });
  return names;
}

int64_t commit_of_snapshot(const std::string& name) {
  const std::optional<StateFile> file = parse_state_file(name);
  return file ? file->commit : 0;
}

}  // namespace adweave::engine
