// SPDX-License-Identifier: Apache-2.0
// Commit records where they lie in `ledger/`: each in a file of its own at first, later packed,
// many in one.
//
// A pack takes the place of its records' files, which are then removed. So a writer that was taken
// over can link its record to a number that looks free: a pack always goes before a file, for
// readers, and for that writer, who looks for the pack after its link().
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "ledger/commit_record.h"

namespace adweave::ledger {

// Whether the record is in a file of its own or in a pack.
bool has_record(const FileSystem& fs, const std::string& dir, int64_t number);

// Fails with not_found, corrupt or newer_format, naming the file.
Result<CommitRecord> read_record(const FileSystem& fs, const std::string& dir, int64_t number);

// Visits the records from `first` on: those up to `last`, or up to the newest one if that comes
// before; each has been checked to follow from the one before it. `previous` is the checksum of
// record first - 1; empty: it is not known. Fails as read_record() does, and with what `visit`
// fails with.
using RecordVisit = std::function<Status(CommitRecord&& record)>;
Status visit_records(const FileSystem& fs, const std::string& dir, int64_t first, int64_t last,
                     std::string previous, const RecordVisit& visit);

// The numbers of the commits, packs (by their newest record) and summaries in the folder,
// ascending.
struct LedgerFiles {
  std::vector<int64_t> commits;
  std::vector<int64_t> packs;
  std::vector<int64_t> summaries;
};
Result<LedgerFiles> list_ledger(const FileSystem& fs, const std::string& dir);

// Paths of what holds the records up to `head`, relative to the data folder, and of their
// summaries.
Result<std::vector<std::string>> record_files(const FileSystem& fs, const std::string& dir,
                                              int64_t head);

// Packs all records up to `head`, in whole packs, that are not packed, and removes what a pack
// holds. `temporary` is a path in `ledger/`. A kill leaves nothing that the next call does not
// finish.
Status pack_records(FileSystem& fs, const std::string& dir, int64_t head,
                    const std::string& temporary);

}  // namespace adweave::ledger
