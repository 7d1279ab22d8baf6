// SPDX-License-Identifier: Apache-2.0
#include "app/preview/linked_copy.h"

#include <cstdlib>
#include <filesystem>

#include "ledger/records.h"

namespace adweave::app {

Status LinkedCopy::link(const std::string& data, const std::string& path) const {
  std::error_code error;
  const std::filesystem::path target = std::filesystem::path(folder_) / path;
  std::filesystem::create_directories(target.parent_path(), error);
  if (!error) {
    std::filesystem::create_symlink(std::filesystem::absolute(join_path(data, path)), target,
                                    error);
  }
  if (!error) return {};
  return Error{ErrorCode::io, target.string() + ": " + error.message(),
               "give a temporary folder with room in TMPDIR"};
}

Result<LinkedCopy> LinkedCopy::make(const FileSystem& fs, const std::string& data,
                                    const ledger::Ledger& ledger) {
  LinkedCopy copy;
  std::error_code error;
  copy.folder_ = (std::filesystem::temp_directory_path(error) / "adweave-preview-XXXXXX").string();
  if (error || mkdtemp(copy.folder_.data()) == nullptr) {
    copy.folder_.clear();
    return Error{ErrorCode::io, "no temporary folder can be made", "set TMPDIR to one"};
  }
  copy.original_ = std::filesystem::weakly_canonical(join_path(data, "lake"), error).string();
  ADWEAVE_TRY(copy.link(data, "format_version"));
  ADWEAVE_ASSIGN(const std::vector<std::string> records,
                 ledger::record_files(fs, data, ledger.head()));
  for (const std::string& path : records) ADWEAVE_TRY(copy.link(data, path));
  for (const auto& [commit, version] : ledger.summary().dimensions)
    ADWEAVE_TRY(copy.link(data, version.path));
  for (const event::DataFile& file : ledger.live_files("", ledger.head()))
    ADWEAVE_TRY(copy.link(data, file.path));
  const Result<std::vector<std::string>> snapshots = fs.list(join_path(data, "state"));
  for (const std::string& name : snapshots ? *snapshots : std::vector<std::string>())
    ADWEAVE_TRY(copy.link(data, "state/" + name));
  return copy;
}

LinkedCopy::~LinkedCopy() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

}  // namespace adweave::app
