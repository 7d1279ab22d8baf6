// SPDX-License-Identifier: Apache-2.0
// Rows in an immutable run: those of a person stand together, the newest first, and a sorted list
// says which rows name an id.
//
//   blocks     rows, compressed together: length (4 bytes), person (8), time (8), record
//   directory  of each block: person and time of its first row (16), where it is (8), hash of its
//              bytes (8), number of its first row (4), bytes before compression (4)
//   keys       key (8) and number of a row (4), by key and number
//   footer     "AWROWS01", numbers of rows, blocks and keys (24), least and greatest time (16),
//              hash of the directory (8), low half of that of the keys (8), hash of the footer so
//              far (8)
//
// Numbers are little-endian. A projection: what is damaged is made again from the lake.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/hash.h"
#include "lookup/record.h"

namespace adweave::lookup {

// A row as it stands in a run.
struct KeptRow {
  Key person = 0;
  int64_t time = 0;  // microseconds UTC
  std::string_view record;
};

// Whether `a` stands before `b`.
inline bool is_before(Key a_person, int64_t a_time, Key b_person, int64_t b_time) {
  return a_person != b_person ? a_person < b_person : a_time > b_time;
}

class Run {
 public:
  // Fails with corrupt, saying so of `name`.
  static Result<std::shared_ptr<const Run>> open(std::unique_ptr<MappedFile> file,
                                                 const std::string& name);
  static Result<std::shared_ptr<const Run>> open(std::string bytes, const std::string& name);

  uint32_t rows() const { return rows_; }
  int64_t time_min() const { return time_min_; }
  int64_t time_max() const { return time_max_; }
  // "" of one that is in memory alone.
  const std::string& name() const { return name_; }

  // Appends the numbers of the rows that have the key.
  void find(Key key, std::vector<uint32_t>& rows) const;

  // Visits rows from the first that does not stand before (person, time), in order, until `visit`
  // says false. Fails with corrupt.
  using Visit = std::function<bool(uint32_t number, const KeptRow&)>;
  Status visit_from(Key person, int64_t time, const Visit& visit) const;

  // Visits rows by their numbers, which ascend.
  Status visit_rows(std::span<const uint32_t> numbers, const Visit& visit) const;

  // Reads all of it. Fails with corrupt.
  Status check() const;

  // Visits the rows of a block, in order; false when `visit` ended it. Fails with corrupt.
  Result<bool> visit_block(uint32_t index, const Visit& visit) const;
  uint32_t blocks() const { return blocks_; }

  uint64_t key_count() const { return keys_; }
  std::pair<Key, uint32_t> key(uint64_t index) const;

 private:
  struct Block;

  Run() = default;
  Status read_footer();
  Block block(uint32_t index) const;
  uint32_t block_with(uint32_t row) const;

  std::string name_;
  std::unique_ptr<MappedFile> file_;
  std::string memory_;
  std::string_view bytes_;
  std::string_view directory_;
  std::string_view key_bytes_;
  uint32_t rows_ = 0;
  uint32_t blocks_ = 0;
  uint64_t keys_ = 0;
  int64_t time_min_ = 0;
  int64_t time_max_ = 0;
};

// Writes a run: rows in order, then keys in order, then finish().
class RunWriter {
 public:
  using Take = std::function<Status(std::string_view)>;

  explicit RunWriter(Take take) : take_(std::move(take)) {}

  Status add_row(const KeptRow& row);
  Status add_key(Key key, uint32_t row);
  Status finish();
  uint32_t rows() const { return rows_; }

 private:
  Status end_block();
  Status hand_on();

  Take take_;
  std::string out_;
  std::string block_;
  std::string directory_;
  uint64_t written_ = 0;
  uint32_t rows_ = 0;
  uint32_t block_first_ = 0;
  Key block_person_ = 0;
  int64_t block_time_ = 0;
  uint32_t blocks_ = 0;
  uint64_t keys_ = 0;
  bool has_keys_begun_ = false;
  Hasher128 keys_hash_;
  int64_t time_min_ = INT64_MAX;
  int64_t time_max_ = INT64_MIN;
};

// Rows in memory that become a run.
class RunBuilder {
 public:
  // Takes the rows for which `choose` says so.
  void add(const event::TableRows& rows, const std::function<bool(int64_t row)>& choose);
  size_t rows() const { return rows_.size(); }
  // Writes the run and forgets the rows.
  Status build(RunWriter& writer);

 private:
  struct Row {
    Key person;
    int64_t time;
    size_t begin;
    size_t size;
    size_t keys_begin;
    size_t keys_end;
  };

  std::vector<Row> rows_;
  std::string records_;
  std::vector<Key> keys_;
};

// Writes all rows of the runs but for those before `time_from`. Rows that equal each other in
// person and time stay in the order of the runs.
Status merge_runs(std::span<const std::shared_ptr<const Run>> runs, int64_t time_from,
                  RunWriter& writer);

}  // namespace adweave::lookup
