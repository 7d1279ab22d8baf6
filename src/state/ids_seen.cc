// SPDX-License-Identifier: Apache-2.0
#include "state/ids_seen.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"

namespace adweave::state {

namespace {

constexpr int64_t kRunsPerMove = 2;  // one of the ids, one of what it is merged with
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
  if (moving_) {
    if (auto seen = moving_->find(key)) return seen;
  }
  for (const auto& run : runs_) {
    if (auto seen = run->find(key)) return seen;
  }
  return std::nullopt;
}

void IdsSeen::prefetch(const Hash128& key) const {
  hot_->prefetch(key);
  if (moving_) moving_->prefetch(key);
  for (const auto& run : runs_) run->prefetch(key);
}

int64_t IdsSeen::size() const {
  int64_t size = hot_->size() + (moving_ ? moving_->size() : 0);
  for (const auto& run : runs_) size += static_cast<int64_t>(run->size());
  return size;
}

int64_t IdsSeen::filter_bytes() const {
  int64_t bytes = 0;
  for (const auto& run : runs_) bytes += run->filter_bytes();
  return bytes;
}

void IdsSeen::begin_move(FileSystem& fs, const std::string& folder, const std::string& prefix,
                         bool beside) {
  CHECK(!is_moving());
  if (!moving_) {
    moving_ = std::move(hot_);
    hot_ = std::make_unique<HotIds>();
  }
  const Target target{fs, folder, prefix, runs_made_ + 1};
  runs_made_ += kRunsPerMove;
  move_ = std::async(beside ? std::launch::async : std::launch::deferred,
                     [this, target] { moved_ = move_to(target); });
}

bool IdsSeen::is_moved() const {
  return is_moving() && move_.wait_for(std::chrono::seconds(0)) != std::future_status::timeout;
}

Status IdsSeen::end_move() {
  move_.get();
  ADWEAVE_ASSIGN(Moved moved, *std::exchange(moved_, std::nullopt));
  runs_.resize(moved.first);
  if (moved.run->size() > 0) runs_.push_back(std::move(moved.run));
  moving_.reset();
  return {};
}

// A new run, merged with the newest ones as far back as a run is less than twice as large as those
// after it together.
Result<IdsSeen::Moved> IdsSeen::move_to(Target target) const {
  const auto name = [&] { return fmt::format("{}-{}.run", target.prefix, target.number++); };
  ADWEAVE_ASSIGN(auto added,
                 write_run(target.fs, target.folder, name(), static_cast<uint64_t>(moving_->size()),
                           [&](const TakeIds& take) { return moving_->visit_sorted(take); }));
  size_t first = runs_.size();
  uint64_t size = added->size();
  while (first > 0 && runs_[first - 1]->size() < 2 * size) size += runs_[--first]->size();
  if (first == runs_.size()) return Moved{first, std::move(added)};
  std::vector<const IdsRun*> parts;
  for (size_t i = first; i < runs_.size(); ++i) parts.push_back(runs_[i].get());
  parts.push_back(added.get());
  ADWEAVE_ASSIGN(auto merged, merge_runs(target.fs, target.folder, name(), parts));
  return Moved{first, std::move(merged)};
}

std::vector<std::string> IdsSeen::runs() const {
  std::vector<std::string> names;
  for (const auto& run : runs_) names.push_back(run->name().name);
  return names;
}

void IdsSeen::save_runs(ByteWriter& out) const {
  CHECK(moving_ == nullptr);
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
