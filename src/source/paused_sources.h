// SPDX-License-Identifier: Apache-2.0
// Sources that take and read nothing for now, because somebody said so: over the socket of a
// running server, or while none ran. What was acknowledged before is committed all the same.
//
// DIR/paused has their names, a line each, so a start afresh finds them; without the file none is
// paused. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "base/file_system.h"

namespace adweave::source {

class PausedSources {
 public:
  // For whoever holds the folder's lock. Fails with corrupt and io.
  static Result<std::unique_ptr<PausedSources>> open(FileSystem& fs, const std::string& dir);
  PausedSources(const PausedSources&) = delete;
  PausedSources& operator=(const PausedSources&) = delete;

  // Durable when it returns true: it was not so before. Fails with io: all is as it was.
  Result<bool> pause(const std::string& source) { return set(source, true); }
  Result<bool> resume(const std::string& source) { return set(source, false); }

  bool is_paused(std::string_view source) const;
  std::set<std::string> names() const;

 private:
  PausedSources(FileSystem& fs, std::string path) : fs_(fs), path_(std::move(path)) {}
  Result<bool> set(const std::string& source, bool paused);

  FileSystem& fs_;
  std::string path_;
  std::mutex writing_;  // one change at a time; comes before mutex_
  mutable std::mutex mutex_;
  std::set<std::string, std::less<>> names_;
};

}  // namespace adweave::source
