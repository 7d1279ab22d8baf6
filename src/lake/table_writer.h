// SPDX-License-Identifier: Apache-2.0
// Writes rows of one lake table as Parquet: one file a day, rows in the order given.
//
//   DIR/lake/<table>/_recent/dt=YYYY-MM-DD/part-<epoch>-<commit>-<n>.parquet
//
// The same rows give the same bytes, whatever slices and threads they came from: dictionaries are
// merged in the order of first use and each file gets one. Tables may be written by several
// threads at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "event/batch.h"
#include "event/data_file.h"

namespace adweave::lake {

struct WriteOptions {
  std::string dir;  // the data folder
  int64_t epoch = 0;
  int64_t commit = 0;
  std::string ledger_id;
  std::string program;     // version
  int64_t first_file = 0;  // number of a table's first file; another when something else writes
                           // files of the same commit number
  const std::atomic<bool>* stop = nullptr;  // once true, merge_files() fails with io; may be null
};

// Writes the parts one after the other (all of one table) and syncs the files and their folders.
// Files are created exclusively. Fails with io; then nothing may be committed.
Result<std::vector<event::DataFile>> write_table(FileSystem& fs, const WriteOptions& options,
                                                 std::span<const event::TableRows> parts);

}  // namespace adweave::lake
