// SPDX-License-Identifier: Apache-2.0
// The Delta log of a table, lake/<table>/_delta_log: what Spark, delta-rs, Polars, DuckDB and
// others read. It follows the ledger, which alone decides: deleting it loses nothing but versions
// to travel to. Written by the rules of the Delta Transaction Log Protocol, reader version 1 and
// writer version 2, so that every reader can.
//
//   DeltaLog log = DeltaLog::open(fs, dir, table)
//   log.publish(fs, change)      one version more, there whole or not at all
//
// A version covers all commits since the one before. Its `txn` (appId "adweave/<ledger id>") says
// through which commit, so that publishing again changes nothing.
//
// Used by one thread. Two writers at once are safe: a version is put in place by link().
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/json.h"
#include "event/data_file.h"
#include "event/schema.h"

namespace adweave::lake {

// The file's path relative to its table's folder, as a log names it.
std::string path_in_table(const event::DataFile& file);

// What a version says.
struct DeltaChange {
  std::string ledger_id;
  int64_t through = 0;  // the commit that the table is as of
  int64_t epoch = 0;    // of the writer
  int64_t now = 0;      // microseconds UTC
  std::vector<event::DataFile> added;
  std::vector<std::string> removed;  // paths, relative to the table's folder
  bool rows_change = true;           // false: the same rows in other files
};

class DeltaLog {
 public:
  // Reads the newest checkpoint and what follows. A table without log has version -1. Fails with
  // corrupt when a version is missing, empty or no Delta commit.
  static Result<DeltaLog> open(const FileSystem& fs, const std::string& dir,
                               const event::TableInfo& table);
  // A log whose next version follows all that are there, whatever state they are in; it is empty.
  static Result<DeltaLog> restart(const FileSystem& fs, const std::string& dir,
                                  const event::TableInfo& table);

  int64_t version() const { return version_; }
  // Whether its newest version is still there, and none after it.
  bool is_newest(const FileSystem& fs) const;
  // The newest commit of the ledger that it knows; 0 of an empty log.
  int64_t through(const std::string& ledger_id) const;
  // Paths of its files, relative to the table's folder.
  std::vector<std::string> paths() const;

  // What is wrong with the files of the log, old versions too, and which of its row files are not
  // there. Empty: nothing.
  std::vector<std::string> verify(const FileSystem& fs) const;

  // Puts the next version in place, and a checkpoint every kDeltaCheckpointEvery versions. Fails
  // with exists when another writer was first: open it again.
  Status publish(FileSystem& fs, const DeltaChange& change);
  // Writes a checkpoint as of the newest version and removes versions that are below it and older
  // than kDeltaLogUs or more than kDeltaVersionsMax back.
  Status write_checkpoint(FileSystem& fs, int64_t now);
  // Removes versions and checkpoints below the newest that are damaged.
  Status remove_damaged(FileSystem& fs) const;

 private:
  DeltaLog(const std::string& dir, const event::TableInfo& table);

  std::string version_path(int64_t version) const;
  std::string checkpoint_path(int64_t version) const;
  std::string checkpoint_hash_path(int64_t version) const;
  Status check_checkpoint(const FileSystem& fs, int64_t version) const;
  Status check_hint(const FileSystem& fs) const;
  Status read_checkpoint(const FileSystem& fs, int64_t version);
  Status read_version(const FileSystem& fs, int64_t version);
  void apply(const JsonValue& action);
  JsonValue::Object metadata(const DeltaChange& change) const;
  Result<std::vector<JsonValue>> actions_of(const FileSystem& fs, const DeltaChange& change) const;
  Status link_version(FileSystem& fs, int64_t epoch, std::string_view bytes) const;
  Status remove_expired(FileSystem& fs, int64_t now) const;
  Status remove_checkpoint(FileSystem& fs, int64_t version) const;

  std::string dir_;
  const event::TableInfo* table_;
  std::string folder_;  // of the table
  std::string log_;     // its _delta_log
  int64_t version_ = -1;
  int64_t timestamp_ = 0;  // of the newest version, milliseconds
  JsonValue metadata_;
  JsonValue protocol_;
  std::map<std::string, JsonValue> transactions_;  // by appId
  std::map<std::string, JsonValue> files_;         // by path
  std::map<std::string, JsonValue> tombstones_;    // by path
};

}  // namespace adweave::lake
