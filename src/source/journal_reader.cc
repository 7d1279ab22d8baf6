// SPDX-License-Identifier: Apache-2.0
#include "source/journal_reader.h"

#include <algorithm>
#include <limits>

#include "base/limits.h"
#include "base/whole_number.h"
#include "event/slice.h"

namespace adweave::source {

namespace {

Error damage(const std::string& what) {
  return {ErrorCode::corrupt, what, "restore the file from a backup; nothing has been changed"};
}

}  // namespace

Result<std::optional<JournalEntry>> JournalReader::next() {
  ADWEAVE_ASSIGN(const std::optional<DurablePlace> place, segments_->find(position_));
  if (!place) return std::optional<JournalEntry>();
  if (number_ != place->position.segment) ADWEAVE_TRY(open(place->position.segment));
  Result<JournalEntry> entry = read_entry(*place);
  if (!entry) {
    return std::move(entry).error().within(segment_.path + ": offset " +
                                           std::to_string(place->position.offset));
  }
  position_ = entry->next;
  next_sequence_ = entry->sequence + 1;
  return std::optional(*std::move(entry));
}

Status JournalReader::open(int64_t number) {
  number_ = 0;
  window_.clear();
  window_begin_ = 0;
  ADWEAVE_ASSIGN(segment_, open_segment(*fs_, dir_, number));
  if (Status read = read_header(number); !read)
    return std::move(read).error().within(segment_.path);
  number_ = number;
  return {};
}

Status JournalReader::read_header(int64_t number) {
  ADWEAVE_ASSIGN(const std::string_view bytes, read(0, kSegmentHeaderBytes, kSegmentHeaderBytes));
  ADWEAVE_ASSIGN(header_, parse_segment_header(bytes));
  if (header_.number != number)
    return damage("it says that it is number " + std::to_string(header_.number));
  return {};
}

Result<std::string_view> JournalReader::read(int64_t offset, int64_t size, int64_t end) {
  const auto window_end = [&] { return window_begin_ + static_cast<int64_t>(window_.size()); };
  if (offset < window_begin_ || offset + size > window_end()) {
    const int64_t wanted = std::min(std::max(size, limits::kJournalReadBytes), end - offset);
    window_.resize(static_cast<size_t>(wanted));
    window_begin_ = offset;
    ADWEAVE_ASSIGN(const int64_t count, segment_.file->read_at(offset, window_.data(), wanted));
    window_.resize(static_cast<size_t>(count));
    if (count < size) return damage("the file ends before the frame does");
  }
  return std::string_view(window_).substr(static_cast<size_t>(offset - window_begin_),
                                          static_cast<size_t>(size));
}

Result<JournalEntry> JournalReader::read_entry(const DurablePlace& place) {
  const int64_t offset = place.position.offset;
  if (place.end - offset < kFrameHeadBytes) return damage("no frame begins here");
  ADWEAVE_ASSIGN(const std::string_view head, read(offset, kFrameHeadBytes, place.end));
  const std::optional<int64_t> size = frame_bytes_of(head, header_.mark);
  if (!size || *size > place.end - offset) return damage("no whole frame begins here");
  ADWEAVE_ASSIGN(const std::string_view bytes, read(offset, *size, place.end));
  const std::optional<Frame> frame = parse_frame(bytes, header_.mark);
  if (!frame) return damage("the frame is damaged");
  const bool is_first = offset == kSegmentHeaderBytes;
  if ((is_first && frame->sequence != header_.first_sequence) ||
      (next_sequence_ && frame->sequence != *next_sequence_)) {
    return damage("the frame says that it is number " + std::to_string(frame->sequence));
  }
  return JournalEntry{.position = place.position,
                      .next = {place.position.segment, offset + *size},
                      .body_offset = offset + frame->body.data() - bytes.data(),
                      .sequence = frame->sequence,
                      .delivery = frame->delivery()};
}

std::optional<JournalPlace> parse_journal_place(std::string_view position) {
  if (!position.starts_with(event::kJournalPrefix)) return std::nullopt;
  position = position.substr(event::kJournalPrefix.size());
  position = position.substr(0, position.find('#'));
  std::vector<int64_t> numbers;
  for (size_t begin = 0; begin <= position.size();) {
    const size_t end = std::min(position.find(':', begin), position.size());
    if (!parse_whole(position.substr(begin, end - begin), numbers.emplace_back()))
      return std::nullopt;
    begin = end + 1;
  }
  if (numbers.size() == 2) return JournalPlace{numbers[0], numbers[1], std::nullopt};
  if (numbers.size() == 3) return JournalPlace{numbers[0], numbers[1], numbers[2]};
  return std::nullopt;
}

Result<JournalEntry> find_delivery(const FileSystem& fs, const std::string& dir, int64_t segment,
                                   int64_t offset) {
  constexpr int64_t kAll = std::numeric_limits<int64_t>::max();
  const JournalSegments alone({{.number = segment, .end = kAll}}, segment + 1);
  JournalReader reader(fs, dir, alone, {segment, kSegmentHeaderBytes});
  while (true) {
    ADWEAVE_ASSIGN(std::optional<JournalEntry> entry, reader.next());
    CHECK(entry);  // or it would be an Error
    if (offset < entry->position.offset)
      return damage("no delivery has the byte " + std::to_string(offset));
    if (offset < entry->next.offset) return *std::move(entry);
  }
}

}  // namespace adweave::source
