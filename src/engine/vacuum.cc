// SPDX-License-Identifier: Apache-2.0
#include "engine/vacuum.h"

#include <initializer_list>
#include <utility>

#include "base/limits.h"
#include "engine/publish_delta.h"

namespace adweave::engine {

namespace {

// What a vacuum takes away.
struct Due {
  std::vector<ledger::Vacuumed> vacuumed;
  std::vector<std::string> paths;
};

// Files that commits of the kinds, up to `through` and up to the time `before`, have replaced.
Due due(const ledger::Ledger& ledger, std::initializer_list<const char*> kinds, int64_t through,
        int64_t before) {
  Due due;
  for (const char* kind : kinds) {
    int64_t last = 0;
    for (const ledger::Superseded& file : ledger.superseded()) {
      if (file.kind != kind) continue;
      if (file.commit > through || file.committed_at > before) break;
      last = file.commit;
      due.paths.push_back(file.path);
    }
    if (last > 0) due.vacuumed.push_back({kind, last});
  }
  return due;
}

Status remove(FileSystem& fs, const std::string& dir, ledger::LedgerWriter& writer, Due due,
              int64_t now) {
  ledger::CommitRecord record;
  record.kind = "vacuum";
  record.committed_at = now;
  record.vacuumed = std::move(due.vacuumed);
  ADWEAVE_TRY(writer.append(std::move(record)));
  for (const std::string& path : due.paths) {
    const Status removed = fs.unlink(join_path(dir, path));
    if (!removed && removed.error().code != ErrorCode::not_found) return removed;
  }
  return {};
}

}  // namespace

Result<Vacuumed> vacuum(FileSystem& fs, ledger::LedgerWriter& writer, int64_t grace_us, int64_t now,
                        bool dry_run) {
  const std::string& dir = writer.options().dir;
  // First let other programs know: what they are told of must be there.
  if (!dry_run) ADWEAVE_TRY(publish_delta(fs, dir, writer.ledger(), now));
  Due files = due(writer.ledger(), {"seal", "compact"}, writer.ledger().head(), now - grace_us);
  Vacuumed report;
  report.files_left =
      static_cast<int64_t>(writer.ledger().superseded().size() - files.paths.size());
  for (const std::string& path : files.paths) {
    const Result<FileInfo> info = fs.info(join_path(dir, path));
    if (!info) continue;
    ++report.files;
    report.bytes += info->size;
  }
  if (dry_run || files.paths.empty()) return report;
  ADWEAVE_TRY(writer.enter_epoch(now));
  ADWEAVE_TRY(remove(fs, dir, writer, std::move(files), now));
  return report;
}

Status vacuum_merged(FileSystem& fs, const std::string& dir, ledger::LedgerWriter& writer,
                     int64_t published, int64_t now) {
  const int64_t before = now - limits::kMergedGraceUs;
  if (due(writer.ledger(), {"compact"}, published, before - limits::kVacuumEveryUs).paths.empty())
    return {};
  return remove(fs, dir, writer, due(writer.ledger(), {"compact"}, published, before), now);
}

}  // namespace adweave::engine
