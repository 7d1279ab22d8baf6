// SPDX-License-Identifier: Apache-2.0
// What a folder's segments hold, read and checked.
//
// A group is written only after all before it is synced. So a frame that is not whole is torn by a
// power cut, and was never acknowledged, only in the last group of the last segment; anywhere else
// it is damage.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "source/journal_format.h"
#include "source/journal_segments.h"

namespace adweave::source {

struct CheckedJournal {
  std::vector<Segment> segments;  // by number
  int64_t next_segment = 1;
  int64_t next_sequence = 1;
  uint32_t last_checksum = 0;         // of the last frame; 0: there is none
  bool is_read = false;               // the last segment is, so it is known what comes next
  std::vector<int64_t> archived_too;  // segments that are there plain, and archived as well
};

// Segments before that of `committed` are not read, and of archived ones only the summary: there
// may be very many. They must be there, and as long as the one that follows says.
//
// Fails with corrupt (naming file and offset), newer_format or io. Changes nothing. A segment that
// is archived meanwhile, or removed because it is old, is no damage.
Result<CheckedJournal> check_journal(const FileSystem& fs, const std::string& dir,
                                     JournalPosition committed);

// The bytes of one segment by themselves; of the last one what is torn is passed over. Fails with
// corrupt, naming the offset, or newer_format.
Result<SegmentSummary> check_segment(int64_t number, std::string_view bytes, bool is_last);

}  // namespace adweave::source
