// SPDX-License-Identifier: Apache-2.0
// Sealed days as plain Hive-partitioned Parquet, for programs that know nothing of the ledger:
//
//   DIR/lake/<table>/dt=YYYY-MM-DD/part-<epoch>-<commit>-<n>.parquet   the sealed file, by link
//   DIR/lake/<table>/dt=YYYY-MM-DD/_complete.json                      how complete the day is
//
// A projection: it comes after the commit that seals, so no file in such a folder was ever not
// committed, and none holds a row that another one there holds.
#pragma once

#include <string>
#include <vector>

#include "base/file_system.h"
#include "engine/ledger_view.h"

namespace adweave::engine {

// Puts in place what is missing; done again, it changes nothing. Fails with io.
Status publish_days(FileSystem& fs, const std::string& dir, const LedgerView& ledger);

// Takes away what is there under a file's name and is not the file, so that publish_days() puts the
// file there. Reads files that are copies instead of links.
Status unlink_false_links(FileSystem& fs, const std::string& dir, const LedgerView& ledger);

// What is missing or not as it should be; empty: nothing.
std::vector<std::string> verify_days(const FileSystem& fs, const std::string& dir,
                                     const ledger::Ledger& ledger);

}  // namespace adweave::engine
