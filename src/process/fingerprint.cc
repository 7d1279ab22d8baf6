// SPDX-License-Identifier: Apache-2.0
#include "process/fingerprint.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include "event/flags.h"

namespace adweave::process {

namespace {

// The bytes of a row that are hashed, one row after the other: they stay in the nearest cache. What
// a value adds is the field's number, then a number, or a text's length and the text.
class RowBytes {
 public:
  void clear() { end_ = bytes_.get(); }
  std::string_view view() const { return {bytes_.get(), static_cast<size_t>(end_ - bytes_.get())}; }

  void add(uint64_t field, std::string_view text) {
    char* at = space_for(kHeadBytes + text.size());
    std::memcpy(at, &field, sizeof field);
    const uint64_t size = text.size();
    std::memcpy(at + sizeof field, &size, sizeof size);
    std::memcpy(at + kHeadBytes, text.data(), text.size());
  }
  template <class Number>
    requires std::is_arithmetic_v<Number>
  void add(uint64_t field, Number value) {
    const std::array<uint64_t, 2> numbers = {field, static_cast<uint64_t>(value)};
    std::memcpy(space_for(sizeof numbers), numbers.data(), sizeof numbers);
  }

 private:
  static constexpr size_t kHeadBytes = 2 * sizeof(uint64_t);
  static constexpr size_t kFirstBytes = 4096;

  char* space_for(size_t size) {
    const auto used = static_cast<size_t>(end_ - bytes_.get());
    if (used + size > capacity_) grow(used, used + size);
    char* at = end_;
    end_ += size;
    return at;
  }
  void grow(size_t used, size_t needed) {
    const size_t capacity = std::max(2 * capacity_, needed);
    std::unique_ptr<char[]> larger(new char[capacity]);
    std::memcpy(larger.get(), bytes_.get(), used);
    bytes_ = std::move(larger);
    capacity_ = capacity;
    end_ = bytes_.get() + used;
  }

  size_t capacity_ = kFirstBytes;
  std::unique_ptr<char[]> bytes_{new char[kFirstBytes]};
  char* end_ = bytes_.get();
};

// A column whose values count. Columns without values are left out before the first row.
struct Part {
  using Add = void (*)(const void* column, int64_t row, uint64_t field, RowBytes& bytes);

  const void* column;
  Add add;
  uint64_t field;  // its number in Parquet
};

template <class Column>
void add_value(const void* column, int64_t row, uint64_t field, RowBytes& bytes) {
  const auto& values = *static_cast<const Column*>(column);
  if (values.has(row)) bytes.add(field, values[row]);
}

// A time that was taken from receipt does not count.
void add_given_time(const void* column, int64_t row, uint64_t field, RowBytes& bytes) {
  const auto& batch = *static_cast<const event::Batch*>(column);
  if ((batch.flags.value_or(row, 0) & event::kTimeFromReceipt) == 0)
    add_value<event::TimeColumn>(&batch.event_time, row, field, bytes);
}

std::vector<Part> parts_of(const event::Batch& batch) {
  std::vector<Part> parts;
  event::for_each_column(batch, [&](const event::FieldInfo& field, const auto& column) {
    if (field.origin != event::Origin::Mapped || column.is_empty()) return;
    const auto number = static_cast<uint64_t>(field.parquet_id);
    if (field.field == event::Field::event_time && !batch.flags.is_empty()) {
      parts.push_back({&batch, add_given_time, number});
    } else {
      parts.push_back({&column, add_value<std::decay_t<decltype(column)>>, number});
    }
  });
  return parts;
}

}  // namespace

std::vector<Hash128> fingerprint(event::Batch& batch) {
  const std::vector<Part> parts = parts_of(batch);
  const auto rows = static_cast<size_t>(batch.rows);
  std::vector<Hash128> hashes(rows);
  std::vector<int64_t> contents(rows);
  RowBytes bytes;
  for (size_t row = 0; row < rows; ++row) {
    bytes.clear();
    for (const Part& part : parts)
      part.add(part.column, static_cast<int64_t>(row), part.field, bytes);
    hashes[row] = hash128(bytes.view());
    contents[row] = static_cast<int64_t>(hashes[row].low);
  }
  batch.content_hash.assign(std::move(contents));
  return hashes;
}

}  // namespace adweave::process
