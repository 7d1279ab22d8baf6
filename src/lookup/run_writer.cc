// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <queue>

#include "base/hash.h"
#include "base/limits.h"
#include "lake/block_codec.h"
#include "lookup/run.h"

namespace adweave::lookup {

namespace {

template <class... Number>
void put_numbers(std::string& out, Number... values) {
  (out.append(reinterpret_cast<const char*>(&values), sizeof values), ...);
}

}  // namespace

Status RunWriter::add_row(const KeptRow& row) {
  if (block_.empty()) {
    block_first_ = rows_;
    block_person_ = row.person;
    block_time_ = row.time;
  }
  put_numbers(block_, static_cast<uint32_t>(row.record.size()), row.person, row.time);
  block_ += row.record;
  ++rows_;
  time_min_ = std::min(time_min_, row.time);
  time_max_ = std::max(time_max_, row.time);
  return block_.size() < limits::kLookupBlockBytes ? Status() : end_block();
}

Status RunWriter::end_block() {
  if (block_.empty()) return {};
  const size_t begin = out_.size();
  lake::compress_block(block_, out_);
  put_numbers(directory_, block_person_, block_time_, written_ + begin,
              hash64(std::string_view(out_).substr(begin)), block_first_,
              static_cast<uint32_t>(block_.size()));
  ++blocks_;
  block_.clear();
  return out_.size() < limits::kWriteBufferBytes ? Status() : hand_on();
}

Status RunWriter::hand_on() {
  ADWEAVE_TRY(take_(out_));
  written_ += out_.size();
  out_.clear();
  return {};
}

Status RunWriter::add_key(Key key, uint32_t row) {
  if (!has_keys_begun_) {
    has_keys_begun_ = true;
    ADWEAVE_TRY(end_block());
    out_ += directory_;
  }
  const size_t at = out_.size();
  put_numbers(out_, key, row);
  keys_hash_.update(std::string_view(out_).substr(at));
  ++keys_;
  return out_.size() < limits::kWriteBufferBytes ? Status() : hand_on();
}

Status RunWriter::finish() {
  ADWEAVE_TRY(end_block());
  if (!has_keys_begun_) out_ += directory_;
  std::string footer = "AWROWS01";
  put_numbers(footer, uint64_t{rows_}, uint64_t{blocks_}, keys_, time_min_, time_max_,
              hash64(directory_), keys_hash_.digest().low);
  put_numbers(footer, hash64(footer));
  out_ += footer;
  return hand_on();
}

void RunBuilder::add(const event::TableRows& rows, const std::function<bool(int64_t)>& choose) {
  const RowKeys keys(rows);
  for (int64_t row = 0; row < rows.rows; ++row) {
    if (!choose(row)) continue;
    Row& kept = rows_.emplace_back();
    kept.person = keys.person(row);
    kept.time = rows.partition_time->value_or(row, 0);
    kept.begin = records_.size();
    put_record(rows, row, records_);
    kept.size = records_.size() - kept.begin;
    kept.keys_begin = keys_.size();
    keys.collect(row, keys_);
    kept.keys_end = keys_.size();
  }
}

Status RunBuilder::build(RunWriter& writer) {
  std::stable_sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) {
    return is_before(a.person, a.time, b.person, b.time);
  });
  std::vector<std::pair<Key, uint32_t>> keys;
  keys.reserve(keys_.size());
  for (const Row& row : rows_) {
    for (size_t i = row.keys_begin; i < row.keys_end; ++i)
      keys.emplace_back(keys_[i], writer.rows());
    ADWEAVE_TRY(writer.add_row(
        {row.person, row.time, std::string_view(records_).substr(row.begin, row.size)}));
  }
  std::sort(keys.begin(), keys.end());
  for (const auto& [key, row] : keys) ADWEAVE_TRY(writer.add_key(key, row));
  *this = {};
  return writer.finish();
}

namespace {

constexpr uint32_t kDropped = UINT32_MAX;

// Takes rows of a run a block at a time.
class RunRows {
 public:
  explicit RunRows(const Run& run) : run_(run) {}

  // False at the end.
  Result<bool> next() {
    if (++at_ < rows_.size()) return true;
    if (next_block_ == run_.blocks()) return false;
    rows_.clear();
    at_ = 0;
    ADWEAVE_TRY(run_.visit_block(next_block_++, [&](uint32_t number, const KeptRow& row) {
      rows_.push_back({row.person, row.time, number, std::string(row.record)});
      return true;
    }));
    return true;
  }

  Key person() const { return rows_[at_].person; }
  int64_t time() const { return rows_[at_].time; }
  uint32_t number() const { return rows_[at_].number; }
  KeptRow row() const { return {person(), time(), rows_[at_].record}; }

 private:
  struct Copy {
    Key person;
    int64_t time;
    uint32_t number;
    std::string record;
  };

  const Run& run_;
  std::vector<Copy> rows_;
  size_t at_ = 0;
  uint32_t next_block_ = 0;
};

}  // namespace

Status merge_runs(std::span<const std::shared_ptr<const Run>> runs, int64_t time_from,
                  RunWriter& writer) {
  std::vector<RunRows> sources;
  std::vector<std::vector<uint32_t>> new_numbers;  // by run and number there
  const auto is_after = [&](size_t a, size_t b) {
    if (sources[a].person() == sources[b].person() && sources[a].time() == sources[b].time())
      return a > b;
    return is_before(sources[b].person(), sources[b].time(), sources[a].person(),
                     sources[a].time());
  };
  std::priority_queue<size_t, std::vector<size_t>, decltype(is_after)> next(is_after);
  sources.reserve(runs.size());
  for (const auto& run : runs) {
    sources.emplace_back(*run);
    new_numbers.emplace_back(run->rows(), kDropped);
  }
  for (size_t i = 0; i < sources.size(); ++i) {
    ADWEAVE_ASSIGN(const bool has_rows, sources[i].next());
    if (has_rows) next.push(i);
  }
  while (!next.empty()) {
    const size_t i = next.top();
    next.pop();
    if (sources[i].time() >= time_from) {
      new_numbers[i][sources[i].number()] = writer.rows();
      ADWEAVE_TRY(writer.add_row(sources[i].row()));
    }
    ADWEAVE_ASSIGN(const bool has_more, sources[i].next());
    if (has_more) next.push(i);
  }

  using Place = std::tuple<Key, uint32_t, size_t, uint64_t>;  // key, new number, run, index there
  std::priority_queue<Place, std::vector<Place>, std::greater<>> keys;
  const auto push_key = [&](size_t run, uint64_t index) {
    for (; index < runs[run]->key_count(); ++index) {
      const auto [key, row] = runs[run]->key(index);
      if (row >= new_numbers[run].size() || new_numbers[run][row] == kDropped) continue;
      keys.emplace(key, new_numbers[run][row], run, index);
      return;
    }
  };
  for (size_t i = 0; i < runs.size(); ++i) push_key(i, 0);
  while (!keys.empty()) {
    const auto [key, row, run, index] = keys.top();
    keys.pop();
    ADWEAVE_TRY(writer.add_key(key, row));
    push_key(run, index + 1);
  }
  return writer.finish();
}

}  // namespace adweave::lookup
