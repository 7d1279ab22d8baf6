// SPDX-License-Identifier: Apache-2.0
#include "engine/publish_days.h"

#include <map>
#include <vector>

#include "base/json.h"
#include "base/limits.h"
#include "ledger/folder.h"

namespace adweave::engine {

namespace {

using Files = std::vector<event::DataFile>;

// Sealed files by the folder in which others find them.
std::map<std::string, Files> folders_of(const LedgerView& ledger) {
  std::map<std::string, Files> folders;
  for (const event::DataFile& file : ledger.live) {
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

std::string completeness(const LedgerView& ledger, const Files& files) {
  int64_t rows = 0;
  for (const event::DataFile& file : files) rows += file.rows;
  const std::string& day = files.front().date;
  const JsonValue complete = JsonValue::Object{{"ledger_id", ledger.ledger_id},
                                               {"table", files.front().table},
                                               {"dt", day},
                                               {"through_commit", ledger.sealed_days.at(day)},
                                               {"files", static_cast<int64_t>(files.size())},
                                               {"rows", rows}};
  return complete.dump() + "\n";
}

// Another name of the file, or a copy of it.
Status check_link(const FileSystem& fs, const std::string& dir, const event::DataFile& file) {
  const std::string path = join_path(dir, event::published_path(file));
  ADWEAVE_ASSIGN(const FileInfo info, fs.info(path));
  const Result<FileInfo> original = fs.info(join_path(dir, file.path));
  if (original && original->number == info.number) return {};
  return ledger::verify_file(fs, path, file.bytes, file.checksum);
}

}  // namespace

std::vector<std::string> verify_days(const FileSystem& fs, const std::string& dir,
                                     const ledger::Ledger& ledger) {
  const LedgerView view(ledger);
  std::vector<std::string> problems;
  for (const auto& [folder, files] : folders_of(view)) {
    for (const event::DataFile& file : files) {
      const Status sound = check_link(fs, dir, file);
      if (!sound) problems.push_back(sound.error().message);
    }
    const std::string path = join_path(dir, folder + "/_complete.json");
    const Result<std::string> said = read_file(fs, path, limits::kKiB);
    if (!said || *said != completeness(view, files))
      problems.push_back(path + ": does not say how complete the day is");
  }
  return problems;
}

Status unlink_false_links(FileSystem& fs, const std::string& dir, const LedgerView& ledger) {
  for (const auto& [folder, files] : folders_of(ledger)) {
    for (const event::DataFile& file : files) {
      const Status sound = check_link(fs, dir, file);
      if (!sound && sound.error().code == ErrorCode::corrupt)
        ADWEAVE_TRY(fs.unlink(join_path(dir, event::published_path(file))));
    }
  }
  return {};
}

Status publish_days(FileSystem& fs, const std::string& dir, const LedgerView& ledger) {
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
