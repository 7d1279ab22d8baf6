// SPDX-License-Identifier: Apache-2.0
// Writes groups of deliveries to segments. Used by one thread; after an error never again.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "source/delivery.h"

namespace adweave::source {

class JournalWriter {
 public:
  // Where the journal goes on: in a new segment, which follows from what is there.
  struct Start {
    int64_t segment = 1;
    int64_t sequence = 1;
    int64_t previous_end = 0;
    uint32_t last_checksum = 0;
  };

  JournalWriter(FileSystem& fs, std::string dir, Start start, int64_t segment_bytes)
      : fs_(fs), dir_(std::move(dir)), next_(start), segment_bytes_(segment_bytes) {}

  // True when the next group needs a new segment; begin_segment() makes it durable.
  bool needs_segment() const { return file_ == nullptr || offset_ >= segment_bytes_; }
  Result<int64_t> begin_segment();

  // One write and one fsync; where each frame begins. offset() is then where they end.
  Result<std::vector<JournalPosition>> write_group(std::span<const Delivery* const> group);
  int64_t offset() const { return offset_; }

 private:
  FileSystem& fs_;
  std::string dir_;
  Start next_;
  int64_t segment_bytes_;
  std::unique_ptr<File> file_;
  int64_t number_ = 0;
  uint64_t mark_ = 0;
  int64_t offset_ = 0;
  std::string buffer_;
};

}  // namespace adweave::source
