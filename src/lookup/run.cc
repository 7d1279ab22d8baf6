// SPDX-License-Identifier: Apache-2.0
#include "lookup/run.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "base/money.h"
#include "lake/block_codec.h"

namespace adweave::lookup {

namespace {

constexpr std::string_view kMagic = "AWROWS01";
constexpr size_t kFooterBytes = 72;
constexpr size_t kDirectoryEntryBytes = 40;
constexpr size_t kKeyBytes = 12;
constexpr size_t kRowHeadBytes = 20;

template <class Number>
Number number_at(std::string_view bytes, size_t at) {
  Number value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

Error damaged_run(const std::string& name) {
  return {ErrorCode::corrupt, "index/" + name + " is damaged",
          "stop the server and run adweave repair: the index is made again when it starts"};
}

}  // namespace

struct Run::Block {
  explicit Block(std::string_view entry)
      : person(number_at<Key>(entry, 0)),
        time(number_at<int64_t>(entry, 8)),
        begin(number_at<uint64_t>(entry, 16)),
        hash(number_at<uint64_t>(entry, 24)),
        first_row(number_at<uint32_t>(entry, 32)),
        size(number_at<uint32_t>(entry, 36)) {}

  Key person;
  int64_t time;
  uint64_t begin;
  uint64_t hash;
  uint32_t first_row;
  uint32_t size;  // before compression
};

Result<std::shared_ptr<const Run>> Run::open(std::unique_ptr<MappedFile> file,
                                             const std::string& name) {
  const std::shared_ptr<Run> run(new Run);
  run->name_ = name;
  run->file_ = std::move(file);
  run->bytes_ = run->file_->bytes();
  ADWEAVE_TRY(run->read_footer());
  return std::shared_ptr<const Run>(run);
}

Result<std::shared_ptr<const Run>> Run::open(std::string bytes, const std::string& name) {
  const std::shared_ptr<Run> run(new Run);
  run->name_ = name;
  run->memory_ = std::move(bytes);
  run->bytes_ = run->memory_;
  ADWEAVE_TRY(run->read_footer());
  return std::shared_ptr<const Run>(run);
}

Status Run::read_footer() {
  if (bytes_.size() < kFooterBytes) return damaged_run(name_);
  const std::string_view footer = bytes_.substr(bytes_.size() - kFooterBytes);
  const auto rows = number_at<uint64_t>(footer, 8);
  const auto blocks = number_at<uint64_t>(footer, 16);
  keys_ = number_at<uint64_t>(footer, 24);
  time_min_ = number_at<int64_t>(footer, 32);
  time_max_ = number_at<int64_t>(footer, 40);
  const uint64_t left = bytes_.size() - kFooterBytes;
  if (!footer.starts_with(kMagic) ||
      number_at<uint64_t>(footer, 64) != hash64(footer.substr(0, 64)) || rows > UINT32_MAX ||
      blocks > left / kDirectoryEntryBytes ||
      keys_ > (left - blocks * kDirectoryEntryBytes) / kKeyBytes) {
    return damaged_run(name_);
  }
  rows_ = static_cast<uint32_t>(rows);
  blocks_ = static_cast<uint32_t>(blocks);
  key_bytes_ = bytes_.substr(left - keys_ * kKeyBytes, keys_ * kKeyBytes);
  directory_ = bytes_.substr(left - keys_ * kKeyBytes - blocks * kDirectoryEntryBytes,
                             blocks * kDirectoryEntryBytes);
  if (number_at<uint64_t>(footer, 48) != hash64(directory_)) return damaged_run(name_);
  return {};
}

Run::Block Run::block(uint32_t index) const {
  return Block(directory_.substr(index * kDirectoryEntryBytes, kDirectoryEntryBytes));
}

std::pair<Key, uint32_t> Run::key(uint64_t index) const {
  const size_t at = index * kKeyBytes;
  return {number_at<Key>(key_bytes_, at), number_at<uint32_t>(key_bytes_, at + sizeof(Key))};
}

// Keys are hashes, so where one stands is known but for some hundreds: two or three pages of the
// file are looked at, not the twenty of a plain binary search.
void Run::find(Key key, std::vector<uint32_t>& rows) const {
  const auto guess =
      static_cast<uint64_t>(static_cast<Int128>(key) * static_cast<Int128>(keys_) >> 64);
  uint64_t low = guess;
  for (uint64_t step = 64; low > 0 && this->key(low).first >= key; step *= 8)
    low -= std::min(low, step);
  uint64_t high = guess;
  for (uint64_t step = 64; high < keys_ && this->key(high).first < key; step *= 8)
    high += std::min(keys_ - high, step);
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (this->key(middle).first < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  for (; low < keys_ && this->key(low).first == key; ++low) rows.push_back(this->key(low).second);
}

uint32_t Run::block_with(uint32_t row) const {
  uint32_t low = 0;
  for (uint32_t high = blocks_; high - low > 1;) {
    const uint32_t middle = low + (high - low) / 2;
    (block(middle).first_row <= row ? low : high) = middle;
  }
  return low;
}

Result<bool> Run::visit_block(uint32_t index, const Visit& visit) const {
  const Block entry = block(index);
  const uint64_t end = index + 1 < blocks_
                           ? block(index + 1).begin
                           : static_cast<uint64_t>(directory_.data() - bytes_.data());
  if (entry.begin > end || end > bytes_.size()) return damaged_run(name_);
  const std::string_view frame = bytes_.substr(entry.begin, end - entry.begin);
  if (hash64(frame) != entry.hash) return damaged_run(name_);
  ADWEAVE_ASSIGN(const std::string rows, lake::decompress_block(frame, entry.size));
  uint32_t number = entry.first_row;
  for (size_t at = 0; at + kRowHeadBytes <= rows.size(); ++number) {
    const auto size = number_at<uint32_t>(rows, at);
    if (size > rows.size() - at - kRowHeadBytes) return damaged_run(name_);
    const KeptRow row{number_at<Key>(rows, at + 4), number_at<int64_t>(rows, at + 12),
                      std::string_view(rows).substr(at + kRowHeadBytes, size)};
    if (!visit(number, row)) return false;
    at += kRowHeadBytes + size;
  }
  return true;
}

Status Run::visit_from(Key person, int64_t time, const Visit& visit) const {
  uint32_t low = 0;  // the last block that begins before, or the first
  for (uint32_t high = blocks_; high > low + 1;) {
    const uint32_t middle = low + (high - low) / 2;
    const Block entry = block(middle);
    (is_before(entry.person, entry.time, person, time) ? low : high) = middle;
  }
  for (; low < blocks_; ++low) {
    ADWEAVE_ASSIGN(const bool goes_on, visit_block(low, [&](uint32_t number, const KeptRow& row) {
                     return is_before(row.person, row.time, person, time) || visit(number, row);
                   }));
    if (!goes_on) break;
  }
  return {};
}

Status Run::visit_rows(std::span<const uint32_t> numbers, const Visit& visit) const {
  for (size_t i = 0; i < numbers.size();) {
    bool is_wanted = true;
    const uint32_t index = block_with(numbers[i]);
    const uint32_t end = index + 1 < blocks_ ? block(index + 1).first_row : rows_;
    if (numbers[i] >= end) return damaged_run(name_);
    ADWEAVE_ASSIGN(const bool goes_on, visit_block(index, [&](uint32_t number, const KeptRow& row) {
                     if (i < numbers.size() && number == numbers[i]) {
                       ++i;
                       is_wanted = visit(number, row);
                     }
                     return is_wanted && i < numbers.size() && numbers[i] < end;
                   }));
    if (goes_on && i < numbers.size() && numbers[i] < end) return damaged_run(name_);
    if (!is_wanted) break;
  }
  return {};
}

Status Run::check() const {
  uint32_t rows = 0;
  for (uint32_t i = 0; i < blocks_; ++i) {
    ADWEAVE_TRY(visit_block(i, [&](uint32_t number, const KeptRow&) { return number == rows++; }));
  }
  const uint64_t expected = number_at<uint64_t>(bytes_, bytes_.size() - kFooterBytes + 56);
  return rows == rows_ && hash128(key_bytes_).low == expected ? Status() : damaged_run(name_);
}

}  // namespace adweave::lookup
