// SPDX-License-Identifier: Apache-2.0
// No query reads a file that is not as its commit left it: DuckDB itself would not notice a flipped
// bit. Inside query/ only.
//
// Hashing reads whole files, so which were found sound is kept in DIR/state/checked until they
// change; that file is a cache.
#pragma once

#include <map>
#include <string>

#include "base/file_system.h"
#include "ledger/ledger.h"

namespace adweave::query {

// What is wrong, by path, with the live files and the dimension files as of a commit. Empty: all
// are sound.
std::map<std::string, std::string> damaged_files(FileSystem& fs, const std::string& dir,
                                                 const ledger::Ledger& ledger, int64_t as_of);

}  // namespace adweave::query
