// SPDX-License-Identifier: Apache-2.0
#include "source/journal_check.h"

#include <algorithm>
#include <map>

#include "base/limits.h"
#include "source/journal_archive.h"

namespace adweave::source {

namespace {

Status check_frames(SegmentSummary& segment, std::string_view bytes, bool is_last) {
  const uint64_t mark = segment.header.mark;
  int64_t group_begin = 0;
  while (segment.end < static_cast<int64_t>(bytes.size())) {
    const int64_t at = segment.end;
    const std::optional<Frame> frame = parse_frame(bytes.substr(static_cast<size_t>(at)), mark);
    if (!frame) {
      if (is_last && !is_proven_synced(bytes, at, mark)) return {};  // torn
      return journal_damage("a frame is damaged", at);
    }
    if (frame->sequence != segment.next_sequence)
      return journal_damage("a frame says that it is number " + std::to_string(frame->sequence),
                            at);
    if (frame->group_begin != at && frame->group_begin != group_begin)
      return journal_damage("a frame is not of the group that it lies in", at);
    group_begin = frame->group_begin;
    segment.end += frame->bytes;
    segment.newest_received = std::max(segment.newest_received, frame->received_time);
    ++segment.next_sequence;
    segment.last_checksum = frame->checksum;
  }
  return {};
}

// Whether it goes on where the segments in `journal` end.
Status follows(const CheckedJournal& journal, const SegmentHeader& header) {
  if (journal.segments.empty()) return {};
  const Segment& before = journal.segments.back();
  if (header.previous_end != before.end) {
    return journal_damage(segment_name(before.number) + " ends at " + std::to_string(before.end) +
                              ", not at " + std::to_string(header.previous_end) + " as it did",
                          0);
  }
  if (journal.is_read && (header.first_sequence != journal.next_sequence ||
                          header.previous_checksum != journal.last_checksum)) {
    return journal_damage("it does not follow from the segment before it", 0);
  }
  return {};
}

// Adds it to those in `journal`; `archive_bytes` is 0 of one that is plain.
Status add(CheckedJournal& journal, int64_t number, const SegmentSummary& summary,
           int64_t archive_bytes) {
  if (summary.end > 0) {
    ADWEAVE_TRY(follows(journal, summary.header));
    journal.is_read = true;
    journal.next_sequence = summary.next_sequence;
    journal.last_checksum = summary.last_checksum;
  }
  journal.segments.push_back({.number = number,
                              .end = summary.end,
                              .newest_received = summary.newest_received,
                              .released_bytes = archive_bytes > 0 ? summary.end : 0,
                              .archive_bytes = archive_bytes});
  return {};
}

// Reads a folder's segments one after the other.
class JournalCheck {
 public:
  JournalCheck(const FileSystem& fs, const std::string& dir, JournalPosition committed)
      : fs_(fs), dir_(dir), committed_(committed) {}

  Result<CheckedJournal> run() {
    ADWEAVE_TRY(list());
    for (const auto& [number, count] : files_) {
      Status added = add_segment(number);
      const bool is_removed = !added && added.error().code == ErrorCode::not_found;
      if (is_removed && journal_.segments.empty()) continue;  // by a server that runs
      if (!added) return std::move(added).error();
      if (count > 1) journal_.archived_too.push_back(number);
    }
    if (!journal_.segments.empty() && journal_.segments.back().archive_bytes > 0)
      return missing(journal_.next_segment, journal_.next_segment);  // it was not the last
    return std::move(journal_);
  }

 private:
  // How many files each segment has. None may be missing between them.
  Status list() {
    ADWEAVE_ASSIGN(const std::vector<std::string> names, fs_.list(dir_));
    for (const std::string& name : names) {
      if (const auto number = number_of_segment(name)) ++files_[*number];
      if (const auto number = number_of_archive(name)) ++files_[*number];
    }
    for (const auto& [number, count] : files_) {
      if (number != files_.begin()->first && number != journal_.next_segment)
        return missing(number, number - 1);
      journal_.next_segment = number + 1;
    }
    return {};
  }

  Error missing(int64_t found_at, int64_t number) const {
    return {ErrorCode::corrupt,
            join_path(dir_, segment_name(found_at)) + ": the segment " + segment_name(number) +
                " is missing",
            "restore that file from a backup; nothing has been changed"};
  }

  // Plain if it is there plain: it is archived and then removed.
  Status add_segment(int64_t number) {
    std::string path = join_path(dir_, segment_name(number));
    Status added = add_plain(path, number);
    if (!added && added.error().code == ErrorCode::not_found) {
      path = join_path(dir_, archive_name(number));
      added = add_archived(path, number);
    }
    if (!added) return std::move(added).error().within(path);
    return {};
  }

  Status add_plain(const std::string& path, int64_t number) {
    const bool is_last = number == files_.rbegin()->first;
    ADWEAVE_ASSIGN(const FileInfo info, fs_.info(path));
    const bool may_hold_nothing = info.size <= kSegmentHeaderBytes;
    if (number < committed_.segment && !is_last && !may_hold_nothing) {
      // What was written last came before that.
      journal_.segments.push_back(
          {.number = number, .end = info.size, .newest_received = info.modified_us});
      journal_.is_read = false;
      return {};
    }
    ADWEAVE_ASSIGN(const std::string bytes, read_file(fs_, path, limits::kJournalFileBytesMax));
    ADWEAVE_ASSIGN(const SegmentSummary summary, check_segment(number, bytes, is_last));
    return add(journal_, number, summary, 0);
  }

  Status add_archived(const std::string& path, int64_t number) {
    ADWEAVE_ASSIGN(const std::unique_ptr<SegmentArchive> archive,
                   SegmentArchive::open(fs_, path, number));
    if (number >= committed_.segment) ADWEAVE_TRY(archive->check());
    return add(journal_, number, archive->summary(), archive->file_bytes());
  }

  const FileSystem& fs_;
  const std::string& dir_;
  const JournalPosition committed_;
  std::map<int64_t, int> files_;
  CheckedJournal journal_;
};

}  // namespace

Result<SegmentSummary> check_segment(int64_t number, std::string_view bytes, bool is_last) {
  const auto size = static_cast<int64_t>(bytes.size());
  Result<SegmentHeader> header = parse_segment_header(bytes);
  if (!header) {
    // It is synced before anything is written behind it.
    if (header.error().code == ErrorCode::corrupt && size <= kSegmentHeaderBytes)
      return SegmentSummary();
    return std::move(header).error();
  }
  if (header->number != number)
    return journal_damage("it says that it is number " + std::to_string(header->number), 0);
  SegmentSummary segment{.header = *header,
                         .end = kSegmentHeaderBytes,
                         .next_sequence = header->first_sequence,
                         .last_checksum = header->previous_checksum};
  ADWEAVE_TRY(check_frames(segment, bytes, is_last));
  return segment;
}

Result<CheckedJournal> check_journal(const FileSystem& fs, const std::string& dir,
                                     JournalPosition committed) {
  return JournalCheck(fs, dir, committed).run();
}

}  // namespace adweave::source
