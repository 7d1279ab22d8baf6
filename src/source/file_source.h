// SPDX-License-Identifier: Apache-2.0
// Files as a replayable source: which there are, what has been read of each, and their bytes as
// slices.
//
// A file is known by its content (size and 128-bit hash), not by its name. The same content under
// any name adds nothing; a file of the same name that begins with content already read goes on
// where that ended.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "event/cutter.h"
#include "event/slice.h"

namespace adweave::source {

struct SourceFile {
  std::string path;  // to open it
  std::string
      name;  // in source_position: relative to the configuration's folder where it lies below it
  int64_t size = 0;
  std::string hash;  // hash128 of its content, hexadecimal
  int64_t modified_us = 0;
};

// What the ledger says about content that was read before.
struct ReadBefore {
  std::string file;
  int64_t size = 0;
  std::string hash;
  int64_t after = 0;  // offset up to which all records are committed
};

// Files that fit the patterns (`*` and `?` within a name), sorted by path, each once, identified. A
// pattern without wildcards must exist. Fails with not_found or io, naming the file.
Result<std::vector<SourceFile>> find_files(const FileSystem& fs, const std::string& folder,
                                           std::span<const std::string> patterns);

// Where to go on in `file`: 0 for new content, size when there is nothing left.
struct Resume {
  int64_t begin = 0;
  std::optional<ReadBefore> before;  // the content that was read, when begin is above 0
};
Result<Resume> resume_at(const FileSystem& fs, const SourceFile& file,
                         std::span<const ReadBefore> known);

// Cuts a file into slices of whole records that end at the first record end after each multiple of
// `slice_bytes`, so the cuts do not depend on where reading began. Holds one slice at a time. Used
// by one thread at a time.
class SliceReader {
 public:
  static Result<SliceReader> open(const FileSystem& fs, SourceFile file, std::string source,
                                  int64_t begin, int64_t slice_bytes,
                                  std::unique_ptr<event::RecordCutter> cutter);

  // The next slice; null at the end. Fails with io when the file cannot be read or has become
  // shorter.
  Result<std::optional<event::Slice>> next();

  const SourceFile& file() const { return file_; }

 private:
  SliceReader(SourceFile file, std::string source, int64_t slice_bytes,
              std::unique_ptr<event::RecordCutter> cutter)
      : file_(std::move(file)),
        source_(std::move(source)),
        slice_bytes_(slice_bytes),
        cutter_(std::move(cutter)) {}

  Status read_head();
  Status fill(int64_t bytes);  // until the buffer holds so many, or all that is left
  bool at_end() const { return begin_ + static_cast<int64_t>(buffer_.size()) >= file_.size; }

  SourceFile file_;
  std::string source_;
  int64_t slice_bytes_;
  std::unique_ptr<event::RecordCutter> cutter_;
  std::unique_ptr<File> opened_;
  std::shared_ptr<const std::string> head_;
  std::string buffer_;  // bytes from begin_
  int64_t begin_ = 0;
};

}  // namespace adweave::source
