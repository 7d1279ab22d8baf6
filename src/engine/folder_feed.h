// SPDX-License-Identifier: Apache-2.0
// Files as they appear or grow in the watched folders.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/feed.h"
#include "source/paused_sources.h"

namespace adweave::engine {

class FolderFeed : public Feed {
 public:
  // All that is referred to must outlive it. `now_us` tells whether a file has come to rest;
  // `trouble` is told what is wrong with a file, which stops no other.
  FolderFeed(const FileSystem& fs, const Job& job, std::vector<OpenSource>& sources,
             SchemaFetcher& schemas, KnownFiles known, std::function<int64_t()> now_us,
             std::function<void(const Error&)> trouble, const source::PausedSources& paused);

  // Does not wait. Null: there is nothing at the moment.
  Result<std::optional<ReadSlice>> next() override;

 private:
  Status look();
  void know_file();
  bool is_paused(const OpenSource& source) const;
  void put_aside_paused();
  bool has_changed(const OpenSource& source, source::SourceFile& file, int64_t now);

  const FileSystem& fs_;
  const Job& job_;
  std::vector<OpenSource>& sources_;
  SchemaFetcher& schemas_;
  KnownFiles known_;
  std::function<int64_t()> now_us_;
  std::function<void(const Error&)> trouble_;
  const source::PausedSources& paused_;
  std::map<std::string, std::pair<int64_t, int64_t>> looked_at_;  // path -> size, modified
  int64_t looked_ = 0;                                            // when, microseconds UTC
  std::deque<WorkFile> waiting_;
  std::optional<FileFeed> reading_;
  size_t reading_source_ = 0;             // whose file that is
  std::shared_ptr<const WorkFile> file_;  // that the last slice was of
  PositionStep file_step_;
};

}  // namespace adweave::engine
