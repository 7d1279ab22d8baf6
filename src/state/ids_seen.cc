// SPDX-License-Identifier: Apache-2.0
#include "state/ids_seen.h"

#include <algorithm>

#include <fmt/format.h>

namespace adweave::state {

namespace {

constexpr size_t kSavedRunBytes = 2 * sizeof(uint64_t) + sizeof(Hash128);

RunName read_name(ByteReader& in) {
  RunName run;
  run.name = in.text();
  run.size = in.number<uint64_t>();
  run.checksum = in.number<Hash128>();
  return run;
}

}  // namespace

std::optional<Seen> IdsSeen::find(const Hash128& key) const {
  if (auto seen = hot_->find(key)) return seen;
  for (const auto& run : runs_) {
    if (auto seen = run->find(key)) return seen;
  }
  return std::nullopt;
}

void IdsSeen::prefetch(const Hash128& key) const {
  hot_->prefetch(key);
  for (const auto& run : runs_) run->prefetch(key);
}

int64_t IdsSeen::size() const {
  int64_t size = hot_->size();
  for (const auto& run : runs_) size += static_cast<int64_t>(run->size());
  return size;
}

int64_t IdsSeen::filter_bytes() const {
  int64_t bytes = 0;
  for (const auto& run : runs_) bytes += run->filter_bytes();
  return bytes;
}

Status IdsSeen::move_to_disk(FileSystem& fs, const std::string& folder, const std::string& prefix) {
  if (hot_->size() > 0) {
    const std::string name = fmt::format("{}-{}.run", prefix, ++runs_made_);
    ADWEAVE_ASSIGN(auto run,
                   write_run(fs, folder, name, static_cast<uint64_t>(hot_->size()),
                             [&](const TakeIds& take) { return hot_->visit_sorted(take); }));
    runs_.push_back(std::move(run));
    hot_ = std::make_unique<HotIds>();
  }
  return merge(fs, folder, prefix);
}

// The newest runs, as far back as a run is less than twice as large as those after it together.
Status IdsSeen::merge(FileSystem& fs, const std::string& folder, const std::string& prefix) {
  size_t first = runs_.size();
  uint64_t size = 0;
  while (first > 0 && (size == 0 || runs_[first - 1]->size() < 2 * size))
    size += runs_[--first]->size();
  if (runs_.size() - first < 2) return {};
  std::vector<const IdsRun*> parts;
  for (size_t i = first; i < runs_.size(); ++i) parts.push_back(runs_[i].get());
  const std::string name = fmt::format("{}-{}.run", prefix, ++runs_made_);
  ADWEAVE_ASSIGN(auto merged, merge_runs(fs, folder, name, parts));
  runs_.resize(first);
  runs_.push_back(std::move(merged));
  return {};
}

std::vector<std::string> IdsSeen::runs() const {
  std::vector<std::string> names;
  for (const auto& run : runs_) names.push_back(run->name().name);
  return names;
}

void IdsSeen::save_runs(ByteWriter& out) const {
  out.number(static_cast<uint64_t>(runs_.size()));
  for (const auto& run : runs_) {
    out.text(run->name().name);
    out.number(run->name().size);
    out.number(run->name().checksum);
  }
}

bool IdsSeen::load_runs(ByteReader& in, const FileSystem* fs, const std::string& folder) {
  for (uint64_t left = in.count(kSavedRunBytes); left > 0; --left) {
    const RunName wanted = read_name(in);
    if (fs == nullptr || !in.ok()) return false;
    auto run = IdsRun::open(*fs, folder, wanted.name);
    if (!run || (*run)->name().checksum != wanted.checksum || (*run)->size() != wanted.size)
      return false;
    runs_.push_back(*std::move(run));
  }
  return in.ok();
}

std::vector<std::string> IdsSeen::saved_runs(ByteReader& in) {
  std::vector<std::string> names;
  for (uint64_t left = in.count(kSavedRunBytes); left > 0; --left)
    names.push_back(read_name(in).name);
  return names;
}

}  // namespace adweave::state
