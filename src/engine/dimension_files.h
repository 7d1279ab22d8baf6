// SPDX-License-Identifier: Apache-2.0
// Dimension files enter the ledger as versions of their own: a copy in the lake, named by a commit.
#pragma once

#include "engine/job.h"
#include "ledger/ledger.h"
#include "ledger/writer.h"
#include "state/dimensions.h"

namespace adweave::engine {

// A file as it is now.
struct DimensionFile {
  std::string name;
  std::string original;  // as the configuration names it
  std::string bytes;
  std::string checksum;
};

// Reads and checks every dimension file of the job. Fails with config, naming the row, or
// not_found.
Result<std::vector<DimensionFile>> read_dimension_files(const FileSystem& fs, const Job& job);
Result<state::Dimensions> load_dimensions(const std::vector<DimensionFile>& files);

// Those whose newest version in the ledger is another.
std::vector<const DimensionFile*> changed_dimensions(const std::vector<DimensionFile>& files,
                                                     const ledger::Ledger& ledger);

// Commits the new versions, if there are any.
Status commit_dimensions(FileSystem& fs, const Job& job, const std::vector<DimensionFile>& files,
                         ledger::LedgerWriter& writer, int64_t now);

}  // namespace adweave::engine
