// SPDX-License-Identifier: Apache-2.0
// How far the files that grow have been read: what source/tail.h follows. DIR/tails has it, and the
// journal, in whose batch ids it stands too, what was read since DIR/tails was written. So each
// byte of a file is in the journal once, whatever ends the process, as long as nothing that came
// after `through` is removed from the journal (Journal::hold()).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/hash.h"
#include "source/journal.h"

namespace adweave::source {

// First bytes of a file, by which it is told from another one of its number.
inline constexpr int64_t kTailHeadBytes = 1024;

struct TailPosition {
  std::string source;
  std::string name;      // when it was last seen; relative to the configuration's folder, as files'
  uint64_t number = 0;   // FileInfo::number
  int64_t after = 0;     // bytes that have been read
  Hash128 head;          // of the first of them, kTailHeadBytes at most
  bool is_done = false;  // it has been replaced, came to rest, and nothing is left of it
  bool operator==(const TailPosition&) const = default;
};

// Id of the batch that goes on at `begin` and leaves the file at `position`:
// "~tail:<number>-<head>:<begin>-<after>:<name>", of a name that is too long its end.
std::string tail_batch(const TailPosition& position, int64_t begin);

// What a batch's id says, but for its source; none when it is of no followed file.
struct TailBatch {
  TailPosition position;
  int64_t begin = 0;
};
std::optional<TailBatch> parse_tail_batch(std::string_view id);

// Used by one thread.
class TailPositions {
 public:
  // For whoever holds the folder's lock. `journal` tells what was read since DIR/tails was written,
  // which is written anew then: so it is there before anything is followed, and where nothing is
  // followed and it is not there, nothing was, and nothing is read. Fails with corrupt,
  // newer_format and io.
  static Result<TailPositions> open(FileSystem& fs, const std::string& dir, const Journal& journal,
                                    bool are_followed);

  const std::vector<TailPosition>& all() const { return all_; }

  // They are durable when it succeeds. All before `through` in the journal is in them.
  Status keep(std::vector<TailPosition> positions, JournalPosition through);

 private:
  TailPositions(FileSystem& fs, std::string path) : fs_(&fs), path_(std::move(path)) {}
  Status parse(std::string_view text);
  void add(const std::string& source, TailBatch batch);

  FileSystem* fs_;
  std::string path_;
  std::vector<TailPosition> all_;
  JournalPosition through_;
};

}  // namespace adweave::source
