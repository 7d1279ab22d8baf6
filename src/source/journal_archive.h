// SPDX-License-Identifier: Apache-2.0
// A segment that is committed, compressed: frames of zstd that are decompressed one by one, so that
// it is read at any offset; docs/reference/journal-format.md describes its bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "source/journal_format.h"
#include "source/named_deliveries.h"

namespace adweave::source {

// The segment's bytes, read from its archive. As any File it is used by one thread at a time;
// nothing can be written.
class SegmentArchive : public File {
 public:
  // Reads its summary and its seek table. Fails with corrupt, naming the offset, newer_format or
  // io.
  static Result<std::unique_ptr<SegmentArchive>> open(const FileSystem& fs, const std::string& path,
                                                      int64_t number);

  const SegmentSummary& summary() const { return summary_; }
  int64_t file_bytes() const { return file_bytes_; }  // of the archive

  // Reads all; fails with corrupt when it is not the segment that the rest tells of.
  Status check() const;

  // Fails with corrupt or io.
  Result<std::vector<NamedDelivery>> named_deliveries() const;

  // Fails with corrupt when what it reads is damaged.
  Result<int64_t> read_at(int64_t offset, char* out, int64_t size) const override;

  Status write(std::string_view bytes) override;
  Status sync() override;
  Status close() override;

 private:
  // A frame in the file.
  struct Block {
    int64_t offset = 0;
    int64_t bytes = 0;
    uint32_t checksum = 0;  // of them
  };

  SegmentArchive() = default;
  Status read_tail(int64_t number);
  Status read_frames(std::string_view tail, int64_t count);
  Result<std::string> read(const Block& block) const;
  Status load(size_t block) const;

  std::unique_ptr<File> file_;
  int64_t file_bytes_ = 0;
  SegmentSummary summary_;
  std::vector<Block> blocks_;  // frames of zstd
  Block names_;                // the frame of the named deliveries

  mutable size_t loaded_ = 0;  // the block in plain_, if there is one
  mutable std::string plain_;
};

// Puts the archive of a plain segment in its place. Whatever ends the process or the machine, one
// of the two is there whole, and both have the same bytes. `check_lock` is asked before the archive
// gets its name; it may be empty. Fails with corrupt when the segment is damaged: it stays. Gives
// the archive's size.
Result<int64_t> archive_segment(FileSystem& fs, const std::string& dir, int64_t number,
                                const std::function<Status()>& check_lock);

// A segment's bytes at their offsets, be it plain or archived: readable as long as this lives,
// whatever becomes of its name.
struct OpenedSegment {
  std::string path;
  std::unique_ptr<File> file;
};

// Errors name the file; they do not when they are of what is read then.
Result<OpenedSegment> open_segment(const FileSystem& fs, const std::string& dir, int64_t number);

// Removes it, plain and archived; what is not there is removed already. One at a time, the first
// first: a power cut must not leave an older one without a newer one.
Status remove_segment(FileSystem& fs, const std::string& dir, int64_t number);

}  // namespace adweave::source
