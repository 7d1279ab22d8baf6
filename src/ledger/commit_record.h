// SPDX-License-Identifier: Apache-2.0
// A commit record: what one commit added, where the sources stood before and after, and what was
// counted. It is one line of JSON in `ledger/<number>.commit`; putting that file in place is the
// commit.
//
// Records form a chain: each carries the checksum of the one before it, and its own last member is
// the checksum (hash128) of all its bytes before that member. So a torn, altered, exchanged or
// missing record shows. The format is described to the byte in docs/reference/ledger-format.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "event/data_file.h"

namespace adweave::ledger {

// How far a file of a source has been read. A file is known by its content, not by its name.
struct SourcePosition {
  std::string source;
  std::string file;     // as rows show it in source_position
  int64_t size = 0;     // bytes of the content that was identified
  std::string hash;     // hash128 of those bytes, hexadecimal
  int64_t before = 0;   // offset in its content (after decompression) where this commit began
  int64_t after = 0;    // offset in its content up to which all records are committed
  std::string mapping;  // hash of the format and mapping that decoded it
  int64_t done = 0;     // 1: the content ends there
  // Of a Kafka partition, which has no content to identify: the last record before `after`, so that
  // a topic that was deleted and made again is noticed; docs/reference/ledger-format.md describes
  // it.
  std::string mark;
};

// The unit of conservation: received = accepted + duplicate + conflict + rejected, for a source in
// a commit.
struct Counts {
  std::string source;
  int64_t records_read = 0;  // before explosion
  int64_t accepted = 0;
  int64_t duplicate = 0;
  int64_t conflict = 0;
  int64_t rejected = 0;

  int64_t received() const { return accepted + duplicate + conflict + rejected; }
  void add(const Counts& other);
};

// A dimension file that entered as a version of its own.
struct DimensionVersion {
  std::string name;      // "creatives"
  std::string path;      // of the copy, relative to the data folder
  std::string original;  // the file it was read from
  int64_t bytes = 0;
  std::string checksum;  // hash128 of its bytes, hexadecimal
};

// The head of a file (CSV header row, Avro header) of which a record was rejected in this commit:
// what it takes to decode that record again.
struct FileHead {
  std::string source;
  std::string file;
  std::string hash;   // hash128 of the head, hexadecimal
  std::string bytes;  // the head in base64; empty when a record before holds the same
};

// A file that is live no more: files that were added in the same commit hold its rows.
struct ReplacedFile {
  std::string path;
};

// Replaced files that are there no more: those that commits of a kind up to `through` replaced.
struct Vacuumed {
  std::string kind;  // "seal" or "compact"
  int64_t through = 0;
};

// Event rows that a retention commit takes away, of a commit with several sources. (Of one with a
// single source all rows are that source's.)
struct RetiredRows {
  int64_t commit = 0;
  std::string source;  // as its counts name it
  int64_t rows = 0;
};

struct CommitRecord {
  int64_t number = 0;    // from 1, without a gap
  std::string previous;  // checksum of record number - 1; empty for the first
  int64_t epoch = 0;     // of the writer
  std::string kind;      // "epoch" (a writer begins), "data", "dimensions", "replay" (rejects
                         // decoded again), "retention", "close", "seal", "compact", "vacuum"
  std::string ledger_id;
  std::string program;        // version that wrote it
  int64_t committed_at = 0;   // microseconds UTC, from the writer's clock; no number depends on it
  std::string schema;         // hash of every table's columns
  std::string configuration;  // hash of the configuration file
  std::vector<SourcePosition> positions;
  std::vector<Counts> counts;
  std::vector<event::DataFile> added;
  std::vector<DimensionVersion> dimensions;
  std::vector<FileHead> heads;
  int64_t retained_from = 0;  // of "retention": start of the oldest retained day, microseconds UTC
  std::vector<RetiredRows> retired;
  int64_t closed_through = 0;          // of "close": start of the first open day, microseconds UTC
  std::vector<ReplacedFile> replaced;  // of "seal" and "compact"
  std::vector<Vacuumed> vacuumed;      // of "vacuum"

  std::string checksum;  // its own; set by to_bytes() and parse_commit()
};

// The record's bytes; sets record.checksum.
std::string to_bytes(CommitRecord& record);

// Takes one line with its end. Fails with corrupt (what does not hold) or newer_format.
Result<CommitRecord> parse_commit(std::string_view bytes);

// "ledger/00000000000000000042.commit"
std::string commit_path(int64_t number);
// Where the record is once it is packed: "ledger/00000000000000000001-00000000000000002048.pack",
// the lines of kRecordsPerPack records one after another, unchanged.
std::string pack_path(int64_t number);
// The newest record in that pack.
int64_t last_of_pack(int64_t number);

// The source that a commit counts for a row whose column `source` is `source`: of rejects that were
// decoded again "replay:<source>", so that conservation holds for each reading by itself.
inline constexpr std::string_view kReplayPrefix = "replay:";
std::string counted_source(bool replayed, std::string_view source);
// The other way: "replay:clicks" -> "clicks".
std::string_view row_source(std::string_view counted);

}  // namespace adweave::ledger
