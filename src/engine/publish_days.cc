// SPDX-License-Identifier: Apache-2.0
#include "engine/publish_days.h"

#include <map>
#include <vector>

#include "base/json.h"
#include "base/limits.h"

namespace adweave::engine {

namespace {

using Files = std::vector<event::DataFile>;

// Sealed files by the folder in which others find them.
std::map<std::string, Files> folders_of(const ledger::Ledger& ledger) {
  std::map<std::string, Files> folders;
  for (event::DataFile& file : ledger.live_files("", ledger.head())) {
    if (file.is_sealed()) folders[parent_path(event::published_path(file))].push_back(file);
  }
  return folders;
}

Status link_files(FileSystem& fs, const std::string& dir, const std::string& folder,
                  const Files& files) {
  bool linked = false;
  for (const event::DataFile& file : files) {
    const std::string path = join_path(dir, event::published_path(file));
    if (fs.exists(path)) continue;
    ADWEAVE_TRY(make_dirs(fs, join_path(dir, folder)));
    ADWEAVE_TRY(fs.link(join_path(dir, file.path), path));
    linked = true;
  }
  return linked ? fs.sync_dir(join_path(dir, folder)) : Status();
}

std::string completeness(const ledger::Ledger& ledger, const Files& files) {
  int64_t rows = 0;
  for (const event::DataFile& file : files) rows += file.rows;
  const std::string& day = files.front().date;
  const JsonValue complete = JsonValue::Object{{"ledger_id", ledger.ledger_id()},
                                               {"table", files.front().table},
                                               {"dt", day},
                                               {"through_commit", ledger.sealed_days().at(day)},
                                               {"files", static_cast<int64_t>(files.size())},
                                               {"rows", rows}};
  return complete.dump() + "\n";
}

}  // namespace

Status publish_days(FileSystem& fs, const std::string& dir, const ledger::Ledger& ledger) {
  for (const auto& [folder, files] : folders_of(ledger)) {
    ADWEAVE_TRY(link_files(fs, dir, folder, files));
    const std::string path = join_path(dir, folder + "/_complete.json");
    const std::string said = completeness(ledger, files);
    const Result<std::string> found = read_file(fs, path, limits::kKiB);
    if (found && *found == said) continue;
    ADWEAVE_TRY(replace_file(fs, path + ".new", path, said));
  }
  return {};
}

}  // namespace adweave::engine
