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
  // All that is referred to must outlive it. `steady_us` tells how long a file has been at rest: a
  // clock that nobody sets, since neither the other one nor a file's time can be trusted for that.
  // `trouble` is told what is wrong with a file, which stops no other.
  FolderFeed(const FileSystem& fs, const Job& job, std::vector<OpenSource>& sources,
             SchemaFetcher& schemas, KnownFiles known, std::function<int64_t()> steady_us,
             std::function<void(const Error&)> trouble, const source::PausedSources& paused);

  // Does not wait. Null: there is nothing at the moment.
  Result<std::optional<ReadSlice>> next() override;

 private:
  Status look();
  void know_file();
  bool is_paused(const OpenSource& source) const;
  void put_aside_paused();
  bool has_changed(const OpenSource& source, source::SourceFile& file, int64_t now);

  // What a file was when it was looked at.
  struct Seen {
    int64_t size = -1;
    int64_t modified_us = 0;
    int64_t since = 0;   // steady, as is
    int64_t newest = 0;  // when it was looked at last
    bool is_planned = false;
  };

  const FileSystem& fs_;
  const Job& job_;
  std::vector<OpenSource>& sources_;
  SchemaFetcher& schemas_;
  KnownFiles known_;
  std::function<int64_t()> steady_us_;
  std::function<void(const Error&)> trouble_;
  const source::PausedSources& paused_;
  std::map<std::string, Seen> looked_at_;  // by source and path
  std::optional<int64_t> looked_;          // when, steady
  std::deque<WorkFile> waiting_;
  std::optional<FileFeed> reading_;
  size_t reading_source_ = 0;             // whose file that is
  std::shared_ptr<const WorkFile> file_;  // that the last slice was of
  PositionStep file_step_;
};

}  // namespace adweave::engine
