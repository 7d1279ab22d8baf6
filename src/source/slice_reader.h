// SPDX-License-Identifier: Apache-2.0
// The content of a file as slices of whole records.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "event/content.h"
#include "event/cutter.h"
#include "event/slice.h"
#include "source/file_source.h"

namespace adweave::source {

// What a format knows of its files.
struct FileFormat {
  // What undoes compression and encoding, given the file's first bytes; null: nothing to undo.
  std::function<std::unique_ptr<event::ByteTransform>(std::string_view start)> content;
  std::function<std::unique_ptr<event::RecordCutter>()> cutter;
};

// Length of the records in `bytes` that are whole, from its begin on.
int64_t whole_records(event::RecordCutter& cutter, std::string_view bytes);

// The content of a file, from its begin on.
class ContentReader {
 public:
  static Result<ContentReader> open(const FileSystem& fs, const SourceFile& file,
                                    const FileFormat& format);
  static Result<ContentReader> open(std::unique_ptr<File> opened, const SourceFile& file,
                                    const FileFormat& format);

  // Goes on to an offset at or after the present one without keeping what lies between. Stops at
  // the content's end.
  Status skip_to(int64_t offset);
  // Appends content until `buffer` holds `bytes`, or all that is left. Fails with io when the file
  // cannot be read or has become shorter.
  Status fill(std::string& buffer, int64_t bytes);

  bool at_end() const { return at_end_; }
  int64_t offset() const { return offset_; }               // of the next byte of content
  int64_t file_offset() const { return file_offset_; }     // of the next byte of the file
  const std::string& problem() const { return problem_; }  // why the content ends before the file

 private:
  ContentReader(std::unique_ptr<File> opened, const SourceFile& file)
      : opened_(std::move(opened)), path_(file.path), size_(file.size) {}
  Status read(std::string& buffer, int64_t bytes);

  std::unique_ptr<File> opened_;
  std::unique_ptr<char[]> piece_;
  std::string path_;
  int64_t size_;  // of the file
  std::unique_ptr<event::ByteTransform> transform_;
  std::string input_;  // read of the file, not yet transformed
  int64_t file_offset_ = 0;
  int64_t offset_ = 0;
  bool at_end_ = false;
  std::string problem_;
};

// Memory of slices, used again when nobody holds the slice any more: fresh memory was half of what
// reading took. Never more than were held at once. Slices may outlive it. Safe to share.
class SliceBuffers {
 public:
  // An empty text, with the memory of another if there is one.
  std::string take();
  std::shared_ptr<const std::string> lend(std::string bytes);

 private:
  struct Free {
    std::mutex mutex;
    std::vector<std::string> buffers;
  };
  std::shared_ptr<Free> free_ = std::make_shared<Free>();
};

// Cuts content into slices that end at the first record end after each multiple of `slice_bytes`,
// so the cuts do not depend on where reading began. The last slice says so; a file without records
// has one empty slice. Where the content cannot be read further, the slices before hold all whole
// records, and what is left is a slice with the problem; that is the whole file when its head
// cannot be read. Holds one slice at a time. Used by one thread at a time.
class SliceReader {
 public:
  // Fails with io when the file cannot be read.
  static Result<SliceReader> open(const FileSystem& fs, SourceFile file, std::string source,
                                  int64_t begin, int64_t slice_bytes, const FileFormat& format,
                                  SliceBuffers buffers = {});

  // The same of a file that is open.
  static Result<SliceReader> open(std::unique_ptr<File> opened, SourceFile file, std::string source,
                                  int64_t begin, int64_t slice_bytes, const FileFormat& format,
                                  SliceBuffers buffers = {});

  // The next slice; null at the end.
  Result<std::optional<event::Slice>> next();

 private:
  SliceReader(SourceFile file, std::string source, int64_t slice_bytes, ContentReader content,
              std::unique_ptr<event::RecordCutter> cutter, SliceBuffers buffers)
      : buffers_(std::move(buffers)),
        file_(std::move(file)),
        source_(std::move(source)),
        slice_bytes_(slice_bytes),
        content_(std::move(content)),
        cutter_(std::move(cutter)) {}

  Status read_head();
  Result<int64_t> find_cut();
  event::Slice take(int64_t length);

  SliceBuffers buffers_;
  SourceFile file_;
  std::string source_;
  int64_t slice_bytes_;
  ContentReader content_;
  std::unique_ptr<event::RecordCutter> cutter_;
  std::shared_ptr<const std::string> head_;
  std::string buffer_;  // content from begin_
  int64_t begin_ = 0;
  int64_t file_taken_ = 0;
  std::string problem_;  // of the records from begin_ on
  bool finished_ = false;
};

}  // namespace adweave::source
