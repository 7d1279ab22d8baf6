// SPDX-License-Identifier: Apache-2.0
// Identities on disk: an immutable file of them, sorted, with a filter that answers almost every
// question for a key that is not there. Of the file only the filter and what is looked up come into
// memory.
//
//   "AWIDRUN1" · number of ids (8 bytes) · zeros up to 64 · the ids, 40 bytes each, by key · where
//   the keys of each range of high bits begin (8 bytes each) · zeros up to a multiple of 64 ·
//   filter (blocks of 32 bytes) · XXH3-128 of all before it (16 bytes)
//
// A cache, as snapshots are: what is missing, torn or altered is rebuilt from the lake.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/hash.h"
#include "state/seen.h"

namespace adweave::state {

// What a snapshot says of a run: any other file under its name is not it.
struct RunName {
  std::string name;
  uint64_t size = 0;  // ids
  Hash128 checksum;
};

class IdsRun {
 public:
  // Reads all of the file once to see that it is sound. Fails with not_found, io or corrupt.
  static Result<std::unique_ptr<IdsRun>> open(const FileSystem& fs, const std::string& folder,
                                              const std::string& name);

  std::optional<Seen> find(const Hash128& key) const;
  // Makes a find() of the key soon after cheaper.
  void prefetch(const Hash128& key) const;

  const RunName& name() const { return name_; }
  uint64_t size() const { return name_.size; }
  SeenId operator[](uint64_t number) const;
  int64_t filter_bytes() const;

 private:
  IdsRun(RunName name, std::unique_ptr<MappedFile> file);

  uint64_t begin_of(uint64_t range) const;

  RunName name_;
  std::unique_ptr<MappedFile> file_;
  const char* bytes_;
  int range_bits_;
  uint64_t starts_at_;
  uint64_t filter_at_;
  uint64_t filter_blocks_;
};

using TakeIds = std::function<Status(std::span<const SeenId>)>;

// Makes the file `name` in `folder` of `size` ids, which `give` hands over in order of their keys,
// and opens it. It is there whole and synced, or not at all.
Result<std::unique_ptr<IdsRun>> write_run(FileSystem& fs, const std::string& folder,
                                          const std::string& name, uint64_t size,
                                          const std::function<Status(const TakeIds&)>& give);

// The same of all ids of several runs.
Result<std::unique_ptr<IdsRun>> merge_runs(FileSystem& fs, const std::string& folder,
                                           const std::string& name,
                                           const std::vector<const IdsRun*>& runs);

}  // namespace adweave::state
