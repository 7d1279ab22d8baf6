// SPDX-License-Identifier: Apache-2.0
// What a folder's segments hold, read and checked.
//
// A group is written only after all before it is synced. So a frame that is not whole is torn by a
// power cut, and was never acknowledged, only in the last group of the last segment; anywhere else
// it is damage.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "source/journal_segments.h"

namespace adweave::source {

struct CheckedJournal {
  std::vector<Segment> segments;  // by number
  int64_t next_segment = 1;
  int64_t next_sequence = 1;
  uint32_t last_checksum = 0;  // of the last frame; 0: there is none
  bool has_header = false;     // one was read; before, it is not known what comes next
};

// Segments before that of `committed` are not read: there may be very many. They must be there, and
// the last of them as long as the one that follows says.
//
// Fails with corrupt (naming file and offset), newer_format or io. Changes nothing.
Result<CheckedJournal> check_journal(const FileSystem& fs, const std::string& dir,
                                     JournalPosition committed);

}  // namespace adweave::source
