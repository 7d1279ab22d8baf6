// SPDX-License-Identifier: Apache-2.0
#include "source/file_source.h"

#include <algorithm>

#include "base/hash.h"
#include "base/limits.h"

namespace adweave::source {

namespace {

// Hash of the first `size` bytes, hexadecimal. Fails when the file is shorter.
Result<std::string> hash_prefix(const FileSystem& fs, const std::string& path, int64_t size) {
  ADWEAVE_ASSIGN(const std::unique_ptr<File> file, fs.open(path));
  Hasher128 hasher;
  std::string buffer(static_cast<size_t>(std::min(size, limits::kMiB)), '\0');
  for (int64_t offset = 0; offset < size;) {
    const int64_t want = std::min(size - offset, limits::kMiB);
    ADWEAVE_ASSIGN(const int64_t read, file->read_at(offset, buffer.data(), want));
    if (read < want)
      return Error{ErrorCode::io, path + ": has become shorter while it was read", "run again"};
    hasher.update({buffer.data(), static_cast<size_t>(read)});
    offset += read;
  }
  return to_hex(hasher.digest());
}

}  // namespace

Result<Resume> resume_at(const FileSystem& fs, const SourceFile& file,
                         std::span<const ReadBefore> known) {
  for (const ReadBefore& before : known) {
    if (before.size == file.size && before.hash == file.hash) return Resume{before.after, before};
  }
  // The longest content read under this name that the file begins with.
  Resume best;
  for (const ReadBefore& before : known) {
    if (before.file != file.name || before.size >= file.size || before.size == 0 ||
        before.after <= best.begin)
      continue;
    ADWEAVE_ASSIGN(const std::string prefix, hash_prefix(fs, file.path, before.size));
    if (prefix == before.hash) best = Resume{before.after, before};
  }
  return best;
}

Result<SliceReader> SliceReader::open(const FileSystem& fs, SourceFile file, std::string source,
                                      int64_t begin, int64_t slice_bytes,
                                      std::unique_ptr<event::RecordCutter> cutter) {
  SliceReader reader(std::move(file), std::move(source), slice_bytes, std::move(cutter));
  ADWEAVE_ASSIGN(reader.opened_, fs.open(reader.file_.path));
  ADWEAVE_TRY(reader.read_head());
  const auto head = static_cast<int64_t>(reader.head_->size());
  reader.buffer_.clear();
  reader.begin_ = std::max(begin, head);
  return reader;
}

Status SliceReader::read_head() {
  for (int64_t bytes = limits::kHeadReadBytes;; bytes *= 2) {
    ADWEAVE_TRY(fill(bytes));
    Result<std::optional<int64_t>> head = cutter_->head(buffer_, at_end());
    if (!head) return std::move(head).error().within(file_.path);
    if (!*head) continue;
    head_ = std::make_shared<const std::string>(buffer_.substr(0, static_cast<size_t>(**head)));
    return {};
  }
}

Status SliceReader::fill(int64_t bytes) {
  const auto have = static_cast<int64_t>(buffer_.size());
  const int64_t want = std::min(bytes, file_.size - begin_) - have;
  if (want <= 0) return {};
  buffer_.resize(static_cast<size_t>(have + want));
  ADWEAVE_ASSIGN(const int64_t read, opened_->read_at(begin_ + have, buffer_.data() + have, want));
  if (read == want) return {};
  return Error{ErrorCode::io,
               file_.path + ": has become shorter while it was read (" +
                   std::to_string(file_.size) + " bytes before)",
               "write files whole under another name and rename them, then run again"};
}

Result<std::optional<event::Slice>> SliceReader::next() {
  if (begin_ >= file_.size) return std::optional<event::Slice>();
  const int64_t target = (begin_ / slice_bytes_ + 1) * slice_bytes_ - begin_;
  int64_t length = 0;
  for (int64_t bytes = target + limits::kCutReadBytes;; bytes *= 2) {
    ADWEAVE_TRY(fill(bytes));
    const std::optional<int64_t> cut = cutter_->cut(buffer_, target, at_end());
    // A record whose end is nowhere near is cut by force: its pieces become rejects, and memory
    // stays bounded.
    const bool endless =
        static_cast<int64_t>(buffer_.size()) >= target + limits::kCutSearchBytesMax;
    if (!cut && !endless) continue;
    length = cut ? *cut : static_cast<int64_t>(buffer_.size());
    break;
  }
  event::Slice slice;
  slice.source = source_;
  slice.file = file_.name;
  slice.begin = begin_;
  slice.end = begin_ + length;
  slice.received_time = file_.modified_us;
  slice.head = head_;
  slice.bytes = std::make_shared<const std::string>(buffer_.substr(0, static_cast<size_t>(length)));
  buffer_.erase(0, static_cast<size_t>(length));
  begin_ = slice.end;
  return std::optional<event::Slice>(std::move(slice));
}

}  // namespace adweave::source
