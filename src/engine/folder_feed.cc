// SPDX-License-Identifier: Apache-2.0
#include "engine/folder_feed.h"

#include "base/limits.h"

namespace adweave::engine {

FolderFeed::FolderFeed(const FileSystem& fs, const Job& job, std::vector<OpenSource>& sources,
                       SchemaFetcher& schemas, KnownFiles known, std::function<int64_t()> steady_us,
                       std::function<void(const Error&)> trouble,
                       const source::PausedSources& paused)
    : fs_(fs),
      job_(job),
      sources_(sources),
      schemas_(schemas),
      known_(std::move(known)),
      steady_us_(std::move(steady_us)),
      trouble_(std::move(trouble)),
      paused_(paused) {}

Result<std::optional<ReadSlice>> FolderFeed::next() {
  put_aside_paused();
  if (!reading_ && waiting_.empty()) ADWEAVE_TRY(look());
  while (reading_ || !waiting_.empty()) {
    if (!reading_) {
      reading_source_ = waiting_.front().source;
      reading_.emplace(fs_, sources_, schemas_, job_.slice_bytes,
                       std::vector{std::move(waiting_.front())});
      waiting_.pop_front();
    }
    Result<std::optional<ReadSlice>> slice = reading_->next();
    if (slice && *slice) {
      file_ = (*slice)->work;
      file_step_ = (*slice)->step;
      return slice;
    }
    reading_.reset();
    if (!slice) trouble_(slice.error());  // it is looked at again when it has changed
    if (file_) know_file();
  }
  return std::optional<ReadSlice>();
}

// What was read of a file.
void FolderFeed::know_file() {
  const source::SourceFile& file = file_->file;
  known_[file_->source].push_back(
      {file.name, file.size, file.hash, file_step_.after, file_step_.done});
  file_.reset();
}

bool FolderFeed::is_paused(const OpenSource& source) const {
  return paused_.is_paused(source.job->decoder.source);
}

// Files of paused sources are looked at again later: what was read of them is known.
void FolderFeed::put_aside_paused() {
  if (reading_ && is_paused(sources_[reading_source_])) {
    reading_.reset();
    if (file_) know_file();
  }
  std::erase_if(waiting_, [&](const WorkFile& file) { return is_paused(sources_[file.source]); });
  for (const OpenSource& source : sources_) {
    if (!is_paused(source)) continue;
    const std::string prefix = source.job->decoder.source + ":";
    std::erase_if(looked_at_, [&](const auto& seen) { return seen.first.starts_with(prefix); });
  }
}

// Plans the files that have come or grown.
Status FolderFeed::look() {
  const int64_t now = steady_us_();
  if (looked_ && now - *looked_ < limits::kWatchEveryUs) return {};
  looked_ = now;
  for (OpenSource& source : sources_) {
    source.files.clear();
    if (is_paused(source)) continue;
    auto found = source::find_files(fs_, job_.folder, source.job->files);
    if (!found && found.error().code == ErrorCode::not_found) continue;  // it may come
    if (!found) return std::move(found).error().within("source " + source.job->decoder.source);
    for (source::SourceFile& file : *found) {
      if (has_changed(source, file, now)) source.files.push_back(std::move(file));
    }
  }
  std::erase_if(looked_at_, [&](const auto& each) { return each.second.newest != now; });
  ADWEAVE_ASSIGN(Plan plan, plan_files(fs_, sources_, known_));
  for (WorkFile& file : plan.files) waiting_.push_back(std::move(file));
  return {};
}

// Whether there may be something new in the file, which is identified then. It must have been at
// rest for a while: one that is still being written may end within a record.
bool FolderFeed::has_changed(const OpenSource& source, source::SourceFile& file, int64_t now) {
  Seen& seen = looked_at_[source.job->decoder.source + ":" + file.path];
  if (seen.size != file.size || seen.modified_us != file.modified_us)
    seen = {.size = file.size, .modified_us = file.modified_us, .since = now};
  seen.newest = now;
  if (seen.is_planned || now - seen.since < limits::kWatchRestUs) return false;
  seen.is_planned = true;
  const Status identified = source::identify(fs_, file);
  if (!identified) trouble_(identified.error());
  return identified.has_value();
}

}  // namespace adweave::engine
