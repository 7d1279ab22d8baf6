// SPDX-License-Identifier: Apache-2.0
#include "source/journal_archive.h"

#include <algorithm>
#include <array>

#include "base/crc32c.h"
#include "base/limits.h"
#include "decode/compress.h"
#include "decode/decompress.h"
#include "source/journal_check.h"
#include "source/number_bytes.h"

namespace adweave::source {

namespace {

constexpr std::string_view kTemporaryArchive = "archive.tmp";
constexpr int64_t kBlockBytes = limits::kMiB;  // of the segment, in a frame of zstd
constexpr int64_t kFramesMax = limits::kJournalFileBytesMax / kBlockBytes + 2;

// Frames that zstd passes over, and its seekable format.
constexpr uint32_t kNamesMagic = 0x184D2A50;
constexpr uint32_t kSummaryMagic = 0x184D2A51;
constexpr uint32_t kSeekTableMagic = 0x184D2A5E;
constexpr uint32_t kSeekableMagic = 0x8F92EAB1;
constexpr int64_t kSkippableHeadBytes = 8;
constexpr int64_t kSeekEntryBytes = 8;
constexpr int64_t kSeekFooterBytes = 9;

constexpr uint32_t kArchiveVersion = 1;
constexpr int64_t kSummaryCheckedFrom = 12;
constexpr int64_t kSummaryBytes = 112;  // without the frames' checksums

// Of the summary and the seek table, when so many frames are before them.
constexpr int64_t tail_bytes(int64_t frames) {
  return kSummaryBytes + 4 * frames + kSkippableHeadBytes + kSeekEntryBytes * (frames + 1) +
         kSeekFooterBytes;
}

Error damaged_frame(int64_t offset) {
  return {ErrorCode::corrupt, "the frame at " + std::to_string(offset) + " is damaged",
          "restore the file from a backup; nothing has been changed"};
}

// What a block holds of a segment.
int64_t plain_bytes(int64_t segment_bytes, int64_t block) {
  return std::min(kBlockBytes, segment_bytes - block * kBlockBytes);
}

struct WrittenFrame {
  uint32_t bytes = 0;
  uint32_t plain_bytes = 0;
  uint32_t checksum = 0;
};

void put_skippable_head(std::string& out, uint32_t magic, int64_t bytes) {
  put_number(out, magic);
  put_number(out, static_cast<uint32_t>(bytes));
}

// The summary and the seek table, which end the file.
std::string make_tail(const SegmentSummary& segment, const std::vector<WrittenFrame>& frames) {
  const auto count = static_cast<int64_t>(frames.size());
  const int64_t summary_bytes = kSummaryBytes + 4 * count;
  std::string checked;  // by the summary's checksum
  put_number(checked, kArchiveVersion);
  checked += to_bytes(segment.header);
  put_number(checked, segment.end);
  put_number(checked, segment.next_sequence);
  put_number(checked, segment.newest_received);
  put_number(checked, segment.last_checksum);
  put_number(checked, uint32_t{0});
  for (const WrittenFrame& frame : frames) put_number(checked, frame.checksum);

  put_skippable_head(checked, kSeekTableMagic, kSeekEntryBytes * (count + 1) + kSeekFooterBytes);
  for (const WrittenFrame& frame : frames) {
    put_number(checked, frame.bytes);
    put_number(checked, frame.plain_bytes);
  }
  put_number(checked, static_cast<uint32_t>(summary_bytes));
  put_number(checked, uint32_t{0});
  put_number(checked, static_cast<uint32_t>(count + 1));
  put_number(checked, uint8_t{0});
  put_number(checked, kSeekableMagic);

  std::string tail;
  put_skippable_head(tail, kSummaryMagic, summary_bytes - kSkippableHeadBytes);
  put_number(tail, crc32c(checked));
  return tail += checked;
}

std::string make_names(const SegmentSummary& segment, std::string_view bytes) {
  const std::string names = named_deliveries(segment.header, bytes);
  std::string frame;
  put_skippable_head(frame, kNamesMagic, std::ssize(names));
  return frame += names;
}

Status write_archive(File& file, const SegmentSummary& segment, std::string_view bytes) {
  std::vector<WrittenFrame> frames;
  const auto write = [&](std::string_view frame, size_t plain_bytes) {
    frames.push_back(
        {static_cast<uint32_t>(frame.size()), static_cast<uint32_t>(plain_bytes), crc32c(frame)});
    return file.write(frame);
  };
  std::string frame;
  for (std::string_view rest = bytes; !rest.empty();) {
    const std::string_view block = rest.substr(0, static_cast<size_t>(kBlockBytes));
    frame.clear();
    decode::append_zstd_frame(frame, block);
    ADWEAVE_TRY(write(frame, block.size()));
    rest.remove_prefix(block.size());
  }
  ADWEAVE_TRY(write(make_names(segment, bytes), 0));
  return file.write(make_tail(segment, frames));
}

Status remove_if_there(FileSystem& fs, const std::string& path) {
  const Status removed = fs.unlink(path);
  if (!removed && removed.error().code != ErrorCode::not_found) return removed;
  return {};
}

Error read_only() {
  return {ErrorCode::io, "the archive of a segment is only read"};
}

}  // namespace

Result<std::unique_ptr<SegmentArchive>> SegmentArchive::open(const FileSystem& fs,
                                                             const std::string& path,
                                                             int64_t number) {
  std::unique_ptr<SegmentArchive> archive(new SegmentArchive());
  ADWEAVE_ASSIGN(archive->file_, fs.open(path));
  ADWEAVE_ASSIGN(const FileInfo info, fs.info(path));
  archive->file_bytes_ = info.size;
  ADWEAVE_TRY(archive->read_tail(number));
  return archive;
}

Status SegmentArchive::read_tail(int64_t number) {
  std::array<char, tail_bytes(kFramesMax)> buffer{};
  const int64_t wanted = std::min(file_bytes_, std::ssize(buffer));
  ADWEAVE_ASSIGN(const int64_t count, file_->read_at(file_bytes_ - wanted, buffer.data(), wanted));
  std::string_view tail(buffer.data(), static_cast<size_t>(count));
  const Error no_table =
      journal_damage("there is no sound seek table", file_bytes_ - kSeekFooterBytes);
  if (count < kSeekFooterBytes) return no_table;
  // The summary, which is the last of them, is not counted.
  const int64_t frames = int64_t{number_at<uint32_t>(tail, tail.size() - kSeekFooterBytes)} - 1;
  if (frames < 1 || frames > kFramesMax || count < tail_bytes(frames)) return no_table;
  tail.remove_prefix(static_cast<size_t>(count - tail_bytes(frames)));
  const int64_t begin = file_bytes_ - tail_bytes(frames);
  if (number_at<uint32_t>(tail, 0) != kSummaryMagic ||
      number_at<uint32_t>(tail, 4) != kSummaryBytes + 4 * frames - kSkippableHeadBytes ||
      number_at<uint32_t>(tail, 8) != crc32c(tail.substr(kSummaryCheckedFrom))) {
    return journal_damage("its summary or its seek table is damaged", begin);
  }
  if (number_at<uint32_t>(tail, 12) != kArchiveVersion) {
    return Error{ErrorCode::newer_format,
                 "version " + std::to_string(number_at<uint32_t>(tail, 12)) + " of an archive",
                 "use the program that wrote it, or a newer one"};
  }
  ADWEAVE_ASSIGN(summary_.header, parse_segment_header(tail.substr(16)));
  summary_.end = number_at<int64_t>(tail, 80);
  summary_.next_sequence = number_at<int64_t>(tail, 88);
  summary_.newest_received = number_at<int64_t>(tail, 96);
  summary_.last_checksum = number_at<uint32_t>(tail, 104);
  if (summary_.header.number != number)
    return journal_damage("it says that it is number " + std::to_string(summary_.header.number),
                          begin);
  return read_frames(tail, frames);
}

Status SegmentArchive::read_frames(std::string_view tail, int64_t count) {
  const int64_t tail_begin = file_bytes_ - std::ssize(tail);
  const int64_t table = kSummaryBytes + 4 * count + kSkippableHeadBytes;
  int64_t offset = 0;
  int64_t plain = 0;
  for (int64_t i = 0; i < count; ++i) {
    const auto entry = static_cast<size_t>(table + kSeekEntryBytes * i);
    const auto checksum = static_cast<size_t>(kSummaryBytes + 4 * i);
    names_ = {offset, number_at<uint32_t>(tail, entry), number_at<uint32_t>(tail, checksum)};
    offset += names_.bytes;
    const bool is_block = i + 1 < count;
    if (is_block) blocks_.push_back(names_);
    const int64_t expected = is_block ? plain_bytes(summary_.end, i) : 0;
    if (number_at<uint32_t>(tail, entry + 4) != expected)
      return journal_damage("its seek table is not of this segment", tail_begin);
    plain += expected;
  }
  if (plain != summary_.end || offset != tail_begin || names_.bytes < kSkippableHeadBytes)
    return journal_damage("its seek table is not of this file", tail_begin);
  return {};
}

Status SegmentArchive::check() const {
  std::string bytes(static_cast<size_t>(summary_.end), '\0');
  ADWEAVE_TRY(read_at(0, bytes.data(), summary_.end));
  ADWEAVE_ASSIGN(const SegmentSummary found, check_segment(summary_.header.number, bytes, false));
  ADWEAVE_ASSIGN(const std::string names, read(names_));
  if (found != summary_ || names != make_names(found, bytes))
    return journal_damage("what is said of its frames is not so", names_.offset);
  return {};
}

Result<std::vector<NamedDelivery>> SegmentArchive::named_deliveries() const {
  ADWEAVE_ASSIGN(const std::string frame, read(names_));
  auto names = parse_named_deliveries(
      summary_.header.number,
      std::string_view(frame).substr(static_cast<size_t>(kSkippableHeadBytes)));
  if (!names) return journal_damage("the named deliveries are not whole", names_.offset);
  return *std::move(names);
}

Result<std::string> SegmentArchive::read(const Block& block) const {
  std::string bytes(static_cast<size_t>(block.bytes), '\0');
  ADWEAVE_ASSIGN(const int64_t count, file_->read_at(block.offset, bytes.data(), block.bytes));
  if (count != block.bytes || crc32c(bytes) != block.checksum) return damaged_frame(block.offset);
  return bytes;
}

Status SegmentArchive::load(size_t block) const {
  if (!plain_.empty() && loaded_ == block) return {};
  plain_.clear();
  ADWEAVE_ASSIGN(const std::string compressed, read(blocks_[block]));
  const int64_t bytes = plain_bytes(summary_.end, static_cast<int64_t>(block));
  if (!decode::decompress_block(decode::BlockCodec::zstandard, compressed, bytes, plain_) ||
      std::ssize(plain_) != bytes) {
    plain_.clear();
    return damaged_frame(blocks_[block].offset);
  }
  loaded_ = block;
  return {};
}

Result<int64_t> SegmentArchive::read_at(int64_t offset, char* out, int64_t size) const {
  int64_t done = 0;
  while (done < size && offset + done < summary_.end) {
    const int64_t at = offset + done;
    ADWEAVE_TRY(load(static_cast<size_t>(at / kBlockBytes)));
    const std::string_view rest =
        std::string_view(plain_).substr(static_cast<size_t>(at % kBlockBytes));
    done += static_cast<int64_t>(rest.copy(out + done, static_cast<size_t>(size - done)));
  }
  return done;
}

Status SegmentArchive::write(std::string_view) {
  return read_only();
}

Status SegmentArchive::sync() {
  return read_only();
}

Status SegmentArchive::close() {
  return file_->close();
}

Result<int64_t> archive_segment(FileSystem& fs, const std::string& dir, int64_t number,
                                const std::function<Status()>& check_lock) {
  const std::string plain = join_path(dir, segment_name(number));
  const std::string archive = join_path(dir, archive_name(number));
  if (fs.exists(plain)) {  // else only the folder's last fsync has failed
    ADWEAVE_ASSIGN(const std::string bytes, read_file(fs, plain, limits::kJournalFileBytesMax));
    Result<SegmentSummary> segment = check_segment(number, bytes, false);
    if (!segment) return std::move(segment).error().within(plain);
    const auto write = [&](File& out) -> Status {
      ADWEAVE_TRY(write_archive(out, *segment, bytes));
      ADWEAVE_TRY(out.sync());  // the check comes last: this may take long
      return check_lock ? check_lock() : Status();
    };
    ADWEAVE_TRY(replace_file(fs, join_path(dir, kTemporaryArchive), archive, write));
    ADWEAVE_TRY(remove_if_there(fs, plain));
  }
  ADWEAVE_TRY(fs.sync_dir(dir));
  ADWEAVE_ASSIGN(const FileInfo info, fs.info(archive));
  return info.size;
}

Result<OpenedSegment> open_segment(const FileSystem& fs, const std::string& dir, int64_t number) {
  const std::string plain = join_path(dir, segment_name(number));
  Result<std::unique_ptr<File>> file = fs.open(plain);
  if (file) return OpenedSegment{plain, *std::move(file)};
  const std::string path = join_path(dir, archive_name(number));
  if (file.error().code != ErrorCode::not_found || !fs.exists(path))
    return std::move(file).error().within(plain);
  Result<std::unique_ptr<SegmentArchive>> archive = SegmentArchive::open(fs, path, number);
  if (!archive) return std::move(archive).error().within(path);
  return OpenedSegment{path, *std::move(archive)};
}

Status remove_segment(FileSystem& fs, const std::string& dir, int64_t number) {
  ADWEAVE_TRY(remove_if_there(fs, join_path(dir, archive_name(number))));
  ADWEAVE_TRY(remove_if_there(fs, join_path(dir, segment_name(number))));
  return fs.sync_dir(dir);
}

}  // namespace adweave::source
