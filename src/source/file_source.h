// SPDX-License-Identifier: Apache-2.0
// Files as a replayable source: which there are, and what has been read of each.
//
// A file is known by its content (size and 128-bit hash), not by its name. The same content under
// any name adds nothing; a file of the same name that begins with content already read goes on
// where that ended.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"

namespace adweave::source {

struct SourceFile {
  std::string path;  // to open it
  std::string
      name;  // in source_position: relative to the configuration's folder where it lies below it
  int64_t size = 0;
  std::string hash;  // hash128 of its content, hexadecimal; empty until it is identified
  int64_t modified_us = 0;
  uint64_t number = 0;  // FileInfo::number
};

// What the ledger says about content that was read before.
struct ReadBefore {
  std::string file;
  int64_t size = 0;
  std::string hash;
  int64_t after = 0;      // offset in the content up to which all records are committed
  bool complete = false;  // up to the content's end
};

// Files that fit the patterns (`*` and `?` within a name), sorted by path, each once. A pattern
// without wildcards must exist. Fails with not_found or io, naming the file.
Result<std::vector<SourceFile>> find_files(const FileSystem& fs, const std::string& folder,
                                           std::span<const std::string> patterns);

// Reads the file for its hash, and its size as of the same moment. Fails with io.
Status identify(const FileSystem& fs, SourceFile& file);

// Where to go on in a file: 0 for new content.
struct Resume {
  int64_t begin = 0;                 // offset in the content
  bool complete = false;             // there is nothing left
  std::optional<ReadBefore> before;  // the content that was read, when begin is above 0
};
Result<Resume> resume_at(const FileSystem& fs, const SourceFile& file,
                         std::span<const ReadBefore> known);

}  // namespace adweave::source
