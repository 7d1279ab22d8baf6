// SPDX-License-Identifier: Apache-2.0
// The rejects of a ledger that are still open: stated by a row with sign 1 that no row with sign -1
// has taken back.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/hash.h"
#include "ledger/ledger.h"

namespace adweave::engine {

struct OpenReject {
  std::string source;
  std::string file;      // of its position
  int64_t offset = 0;    // in the file's content
  int32_t element = -1;  // of the record; -1: the record as a whole
  std::string position;  // the three as source_position shows them
  std::string reason;
  std::string rule;
  std::string message;
  std::string kind;  // empty: not known
  std::string event_id;
  std::string raw;
  int64_t raw_length = 0;  // more than `raw` holds: it was cut
  std::string raw_hash;
  int64_t first_seen = 0;
  int64_t attempt = 1;
  int64_t commit = 0;  // that states it
};

// Which of them to take; empty: all.
struct RejectFilter {
  std::string source;
  std::string reason;
};

// Reads them file by file, in the order of their commits.
class OpenRejects {
 public:
  static Result<OpenRejects> open(const FileSystem& fs, std::string dir,
                                  const ledger::Ledger& ledger, std::set<std::string> sources,
                                  RejectFilter filter);

  bool at_end() const { return next_ == files_.size(); }
  // Those of the next file, of one commit, by source, file, receipt, offset and element.
  Result<std::vector<OpenReject>> next_file(const FileSystem& fs);

 private:
  std::string dir_;
  std::set<std::string> sources_;
  RejectFilter filter_;
  std::vector<event::DataFile> files_;
  size_t next_ = 0;
  std::map<Hash128, int64_t> taken_back_;  // how many rows of a key, the oldest first
};

}  // namespace adweave::engine
