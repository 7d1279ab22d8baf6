// SPDX-License-Identifier: Apache-2.0
#include "source/slice_reader.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace adweave::source {

int64_t whole_records(event::RecordCutter& cutter, std::string_view bytes) {
  int64_t length = 0;
  while (length < static_cast<int64_t>(bytes.size())) {
    const auto cut = cutter.cut(bytes.substr(static_cast<size_t>(length)), 1, false);
    if (!cut || *cut == 0) break;
    length += *cut;
  }
  return length;
}

Result<ContentReader> ContentReader::open(const FileSystem& fs, const SourceFile& file,
                                          const FileFormat& format) {
  ADWEAVE_ASSIGN(std::unique_ptr<File> opened, fs.open(file.path));
  return open(std::move(opened), file, format);
}

Result<ContentReader> ContentReader::open(std::unique_ptr<File> opened, const SourceFile& file,
                                          const FileFormat& format) {
  ContentReader reader(std::move(opened), file);
  ADWEAVE_TRY(reader.read(reader.input_, limits::kContentReadBytes));
  reader.transform_ = format.content(reader.input_);
  if (!reader.transform_) {
    reader.input_.clear();
    reader.file_offset_ = 0;
  }
  reader.at_end_ = file.size == 0;
  return reader;
}

std::string SliceBuffers::take() {
  const std::lock_guard guard(free_->mutex);
  if (free_->buffers.empty()) return {};
  std::string buffer = std::move(free_->buffers.back());
  free_->buffers.pop_back();
  buffer.clear();
  return buffer;
}

std::shared_ptr<const std::string> SliceBuffers::lend(std::string bytes) {
  const auto give_back = [free = free_](std::string* lent) {
    const std::unique_ptr<std::string> owned(lent);
    const std::lock_guard guard(free->mutex);
    free->buffers.push_back(std::move(*owned));
  };
  return {std::make_unique<std::string>(std::move(bytes)).release(), give_back};
}

// Appends up to `bytes` of the file itself, by way of a piece that stays in the second cache: a
// text can only grow by bytes that are there, and zeros to be read over went through all memory.
Status ContentReader::read(std::string& buffer, int64_t bytes) {
  const int64_t want = std::min(bytes, size_ - file_offset_);
  buffer.reserve(buffer.size() + static_cast<size_t>(want));
  if (!piece_) piece_.reset(new char[static_cast<size_t>(limits::kContentReadBytes)]);
  int64_t done = 0;
  while (done < want) {
    const int64_t most = std::min(want - done, limits::kContentReadBytes);
    ADWEAVE_ASSIGN(const int64_t read, opened_->read_at(file_offset_, piece_.get(), most));
    buffer.append(piece_.get(), static_cast<size_t>(read));
    file_offset_ += read;
    done += read;
    if (read < most) break;
  }
  if (done == want) return {};
  return Error{
      ErrorCode::io,
      path_ + ": has become shorter while it was read (" + std::to_string(size_) + " bytes before)",
      "write files whole under another name and rename them, then run again"};
}

Status ContentReader::skip_to(int64_t offset) {
  if (!transform_) {
    offset_ = file_offset_ = std::min(offset, size_);
    at_end_ = file_offset_ == size_;
    return {};
  }
  std::string skipped;
  while (offset_ < offset && !at_end_) {
    skipped.clear();
    ADWEAVE_TRY(fill(skipped, std::min(offset - offset_, limits::kContentReadBytes)));
  }
  return {};
}

Status ContentReader::fill(std::string& buffer, int64_t bytes) {
  while (static_cast<int64_t>(buffer.size()) < bytes && !at_end_) {
    const int64_t room = bytes - static_cast<int64_t>(buffer.size());
    const size_t before = buffer.size();
    if (!transform_) {
      ADWEAVE_TRY(read(buffer, room));
      at_end_ = file_offset_ == size_;
    } else {
      const event::ByteTransform::Step step =
          transform_->run(input_, file_offset_ == size_, buffer, static_cast<size_t>(room));
      input_.erase(0, step.used);
      at_end_ = step.end || !step.problem.empty();
      problem_ = step.problem;
      const bool starved = step.used == 0 && buffer.size() == before && !at_end_;
      CHECK(!starved || file_offset_ < size_);
      if (starved) ADWEAVE_TRY(read(input_, limits::kContentReadBytes));
    }
    offset_ += static_cast<int64_t>(buffer.size() - before);
  }
  return {};
}

Result<SliceReader> SliceReader::open(const FileSystem& fs, SourceFile file, std::string source,
                                      int64_t begin, int64_t slice_bytes, const FileFormat& format,
                                      SliceBuffers buffers) {
  ADWEAVE_ASSIGN(std::unique_ptr<File> opened, fs.open(file.path));
  return open(std::move(opened), std::move(file), std::move(source), begin, slice_bytes, format,
              std::move(buffers));
}

Result<SliceReader> SliceReader::open(std::unique_ptr<File> opened, SourceFile file,
                                      std::string source, int64_t begin, int64_t slice_bytes,
                                      const FileFormat& format, SliceBuffers buffers) {
  ADWEAVE_ASSIGN(ContentReader content, ContentReader::open(std::move(opened), file, format));
  SliceReader reader(std::move(file), std::move(source), slice_bytes, std::move(content),
                     format.cutter(), std::move(buffers));
  ADWEAVE_TRY(reader.read_head());
  const auto head = static_cast<int64_t>(reader.head_->size());
  reader.begin_ = std::max(begin, head);
  // What has been read beyond the head is of use only when reading goes on right after it.
  const int64_t skip = std::min(reader.begin_, static_cast<int64_t>(reader.buffer_.size()));
  reader.buffer_.erase(0, static_cast<size_t>(skip));
  if (reader.buffer_.empty()) ADWEAVE_TRY(reader.content_.skip_to(reader.begin_));
  return reader;
}

Status SliceReader::read_head() {
  for (int64_t bytes = limits::kHeadReadBytes;; bytes *= 2) {
    ADWEAVE_TRY(content_.fill(buffer_, bytes));
    Result<std::optional<int64_t>> head = cutter_->head(buffer_, content_.at_end());
    if (head && !*head) continue;
    if (!head) problem_ = head.error().message;
    const int64_t length = head ? **head : 0;
    head_ = std::make_shared<const std::string>(buffer_.substr(0, static_cast<size_t>(length)));
    return {};
  }
}

// Length of the next slice in the buffer; 0 when the records from here on cannot be read.
Result<int64_t> SliceReader::find_cut() {
  const int64_t target = (begin_ / slice_bytes_ + 1) * slice_bytes_ - begin_;
  const int64_t most = target + limits::kCutSearchBytesMax;
  for (int64_t bytes = target + limits::kCutReadBytes;; bytes = std::min(bytes * 2, most)) {
    ADWEAVE_TRY(content_.fill(buffer_, bytes));
    const bool broken = content_.at_end() && !content_.problem().empty();
    const std::optional<int64_t> cut = cutter_->cut(buffer_, target, content_.at_end() && !broken);
    if (cut) {
      if (*cut == 0) problem_ = cutter_->problem();
      return *cut;
    }
    if (broken) {
      const int64_t whole = whole_records(*cutter_, buffer_);
      if (whole == 0) problem_ = content_.problem();
      return whole;
    }
    // A record whose end is nowhere near is cut by force: its pieces become rejects, and memory
    // stays bounded.
    const auto have = static_cast<int64_t>(buffer_.size());
    if (have >= most) return have;
  }
}

event::Slice SliceReader::take(int64_t length) {
  event::Slice slice;
  slice.source = source_;
  slice.file = file_.name;
  slice.begin = begin_;
  slice.end = begin_ + length;
  slice.received_time = file_.modified_us;
  slice.head = head_;
  std::string rest = buffers_.take();
  rest.append(buffer_, static_cast<size_t>(length));  // short, so not the slice
  buffer_.resize(static_cast<size_t>(length));
  slice.bytes = buffers_.lend(std::exchange(buffer_, std::move(rest)));
  slice.problem = problem_;
  slice.file_bytes = content_.file_offset() - file_taken_;
  file_taken_ = content_.file_offset();
  begin_ = slice.end;
  finished_ =
      content_.at_end() && buffer_.empty() && (content_.problem().empty() || !problem_.empty());
  slice.last = finished_;
  return slice;
}

Result<std::optional<event::Slice>> SliceReader::next() {
  if (finished_) return std::optional<event::Slice>();
  if (problem_.empty()) {
    ADWEAVE_TRY(content_.fill(buffer_, 1));
    const bool ended = buffer_.empty() && content_.problem().empty();
    if (ended) {
      cutter_->cut({}, 1, true);
      problem_ = cutter_->problem();
      return std::optional<event::Slice>(take(0));
    }
    ADWEAVE_ASSIGN(const int64_t length, find_cut());
    if (length > 0) return std::optional<event::Slice>(take(length));
  }
  // The rest, in pieces where it is long.
  ADWEAVE_TRY(content_.fill(buffer_, slice_bytes_));
  return std::optional<event::Slice>(take(static_cast<int64_t>(buffer_.size())));
}

}  // namespace adweave::source
