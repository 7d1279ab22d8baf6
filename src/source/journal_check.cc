// SPDX-License-Identifier: Apache-2.0
#include "source/journal_check.h"

#include <algorithm>

#include "base/limits.h"
#include "source/journal_format.h"

namespace adweave::source {

namespace {

Error damage(const std::string& what, int64_t offset) {
  return {ErrorCode::corrupt, "offset " + std::to_string(offset) + ": " + what,
          "restore the file from a backup; nothing has been changed"};
}

// Checks one segment, which follows from those in `journal`, and adds it to them.
class SegmentCheck {
 public:
  SegmentCheck(CheckedJournal& journal, int64_t number, std::string_view bytes, bool is_last)
      : journal_(journal), bytes_(bytes), is_last_(is_last) {
    segment_.number = number;
  }

  Status run() {
    Result<SegmentHeader> header = parse_segment_header(bytes_);
    if (header) {
      ADWEAVE_TRY(follows(*header));
      ADWEAVE_TRY(check_frames(header->mark));
    } else if (header.error().code != ErrorCode::corrupt || size() > kSegmentHeaderBytes) {
      return std::move(header).error();  // it is synced before anything is written behind it
    }
    journal_.segments.push_back(segment_);
    return {};
  }

 private:
  int64_t size() const { return static_cast<int64_t>(bytes_.size()); }

  Status follows(const SegmentHeader& header) {
    if (header.number != segment_.number)
      return damage("it says that it is number " + std::to_string(header.number), 0);
    segment_.end = kSegmentHeaderBytes;
    if (!journal_.segments.empty() && header.previous_end != journal_.segments.back().end) {
      const Segment& before = journal_.segments.back();
      return damage(segment_name(before.number) + " ends at " + std::to_string(before.end) +
                        ", not at " + std::to_string(header.previous_end) + " as it did",
                    0);
    }
    if (!journal_.has_header) {
      journal_.has_header = true;
      journal_.next_sequence = header.first_sequence;
      journal_.last_checksum = header.previous_checksum;
      return {};
    }
    if (header.first_sequence != journal_.next_sequence ||
        header.previous_checksum != journal_.last_checksum) {
      return damage("it does not follow from the segment before it", 0);
    }
    return {};
  }

  Status check_frames(uint64_t mark) {
    int64_t group_begin = 0;
    while (segment_.end < size()) {
      const int64_t at = segment_.end;
      const std::optional<Frame> frame = parse_frame(bytes_.substr(static_cast<size_t>(at)), mark);
      if (!frame) {
        if (is_last_ && !is_proven_synced(bytes_, at, mark)) return {};  // torn
        return damage("a frame is damaged", at);
      }
      if (frame->sequence != journal_.next_sequence)
        return damage("a frame says that it is number " + std::to_string(frame->sequence), at);
      if (frame->group_begin != at && frame->group_begin != group_begin)
        return damage("a frame is not of the group that it lies in", at);
      group_begin = frame->group_begin;
      segment_.end += frame->bytes;
      segment_.newest_received = std::max(segment_.newest_received, frame->received_time);
      ++journal_.next_sequence;
      journal_.last_checksum = frame->checksum;
    }
    return {};
  }

  CheckedJournal& journal_;
  std::string_view bytes_;
  bool is_last_;
  Segment segment_;
};

// In order; none may be missing between them.
Result<std::vector<int64_t>> segment_numbers(const FileSystem& fs, const std::string& dir) {
  ADWEAVE_ASSIGN(const std::vector<std::string> names, fs.list(dir));
  std::vector<int64_t> numbers;
  for (const std::string& name : names) {
    if (const auto number = number_of_segment(name)) numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  for (size_t i = 1; i < numbers.size(); ++i) {
    if (numbers[i] == numbers[i - 1] + 1) continue;
    return Error{ErrorCode::corrupt,
                 join_path(dir, segment_name(numbers[i])) + ": the segment before it, " +
                     segment_name(numbers[i] - 1) + ", is missing",
                 "restore that file from a backup; nothing has been changed"};
  }
  return numbers;
}

}  // namespace

Result<CheckedJournal> check_journal(const FileSystem& fs, const std::string& dir,
                                     JournalPosition committed) {
  ADWEAVE_ASSIGN(const std::vector<int64_t> numbers, segment_numbers(fs, dir));
  CheckedJournal journal;
  if (!numbers.empty()) journal.next_segment = numbers.back() + 1;
  for (const int64_t number : numbers) {
    const std::string path = join_path(dir, segment_name(number));
    ADWEAVE_ASSIGN(const FileInfo info, fs.info(path));
    const bool may_hold_nothing = info.size <= kSegmentHeaderBytes;
    if (number < committed.segment && number != numbers.back() && !may_hold_nothing) {
      // What was written last came before that.
      journal.segments.push_back(
          {.number = number, .end = info.size, .newest_received = info.modified_us});
      continue;
    }
    ADWEAVE_ASSIGN(const std::string bytes, read_file(fs, path, limits::kJournalFileBytesMax));
    SegmentCheck check(journal, number, bytes, number == numbers.back());
    if (Status checked = check.run(); !checked) return std::move(checked).error().within(path);
  }
  return journal;
}

}  // namespace adweave::source
