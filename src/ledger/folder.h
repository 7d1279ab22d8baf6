// SPDX-License-Identifier: Apache-2.0
// The data folder itself: its format number, and bytes of its files.
//
//   DIR/format_version   decimal number and a line end; written last when the folder is made
//   DIR/lock  DIR/ledger/  DIR/lake/  DIR/state/
#pragma once

#include <string>

#include "base/file_system.h"

namespace adweave::ledger {

// Fails with not_found when `dir` is no data folder, newer_format when a newer program made it.
Status check_format(const FileSystem& fs, const std::string& dir);

// Makes the folders and `format_version` where they are missing, and raises an older number: from
// here on only a program of this format can read what is written. Goes on where a killed run
// stopped.
Status make_folder(FileSystem& fs, const std::string& dir);

// hash128 of a file's bytes, hexadecimal, read in pieces.
Result<std::string> hash_file(const FileSystem& fs, const std::string& path);

// Whether the file has these bytes; fails with corrupt, saying what is wrong, not_found or io.
Status verify_file(const FileSystem& fs, const std::string& path, int64_t bytes,
                   const std::string& checksum);

}  // namespace adweave::ledger
