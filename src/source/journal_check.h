// SPDX-License-Identifier: Apache-2.0
// What a folder's segments hold, all of them read and checked.
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
};

// Fails with corrupt (naming file and offset), newer_format or io. Changes nothing.
Result<CheckedJournal> check_journal(const FileSystem& fs, const std::string& dir);

}  // namespace adweave::source
