// SPDX-License-Identifier: Apache-2.0
#include "source/journal_writer.h"

#include <cerrno>
#include <cstring>

#include <sys/random.h>

#include "source/journal_format.h"

namespace adweave::source {

namespace {

Result<uint64_t> random_mark() {
  uint64_t mark = 0;
  if (::getrandom(&mark, sizeof mark, 0) != sizeof mark) {
    return Error{ErrorCode::io, std::string("the operating system gives no random number: ") +
                                    std::strerror(errno)};
  }
  return mark;
}

}  // namespace

Result<int64_t> JournalWriter::begin_segment() {
  if (file_ != nullptr) {
    ADWEAVE_TRY(file_->close());
    next_.previous_end = offset_;
  }
  number_ = next_.segment++;
  ADWEAVE_ASSIGN(mark_, random_mark());
  ADWEAVE_ASSIGN(file_, fs_.create_exclusive(join_path(dir_, segment_name(number_))));
  ADWEAVE_TRY(file_->write(to_bytes(SegmentHeader{.number = number_,
                                                  .mark = mark_,
                                                  .first_sequence = next_.sequence,
                                                  .previous_end = next_.previous_end,
                                                  .previous_checksum = next_.last_checksum})));
  ADWEAVE_TRY(file_->sync());
  ADWEAVE_TRY(fs_.sync_dir(dir_));
  offset_ = kSegmentHeaderBytes;
  return number_;
}

Result<std::vector<JournalPosition>> JournalWriter::write_group(
    std::span<const Delivery* const> group) {
  std::vector<JournalPosition> positions;
  positions.reserve(group.size());
  buffer_.clear();
  for (const Delivery* delivery : group) {
    positions.push_back({number_, offset_ + static_cast<int64_t>(buffer_.size())});
    next_.last_checksum = append_frame(buffer_, mark_, next_.sequence++, offset_, *delivery);
  }
  ADWEAVE_TRY(file_->write(buffer_));
  ADWEAVE_TRY(file_->sync());
  offset_ += static_cast<int64_t>(buffer_.size());
  return positions;
}

}  // namespace adweave::source
