// SPDX-License-Identifier: Apache-2.0
// Several row files of a table and a day as one. The rows stay what they are, each with the commit
// that brought it.
#pragma once

#include <span>

#include "base/file_system.h"
#include "event/data_file.h"
#include "lake/table_writer.h"

namespace adweave::lake {

enum class MergedPlace {
  recent,  // lake/<table>/_recent/dt=<day>: rows in the order of the files
  sealed,  // lake/<table>/_sealed/dt=<day>: by time, rows of the same time in the order of the
           // files; small row groups and Bloom filters of the ids, for readers that look for little
};

// Writes the rows of `files` as one file, number `n` of the table in its commit, and syncs it. The
// files come in the order of their commits; all their rows are in memory meanwhile. Fails with
// corrupt when a file is not as its commit left it, with io. After a failure no file is left,
// unless the disk refuses that too.
Result<event::DataFile> merge_files(FileSystem& fs, const WriteOptions& options, MergedPlace place,
                                    std::span<const event::DataFile> files, int64_t n);

// The same for one file that is large enough: a second name for it among the sealed ones.
Result<event::DataFile> link_sealed(FileSystem& fs, const WriteOptions& options,
                                    const event::DataFile& file, int64_t n);

}  // namespace adweave::lake
