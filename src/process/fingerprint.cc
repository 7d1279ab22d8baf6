// SPDX-License-Identifier: Apache-2.0
#include "process/fingerprint.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>
#include <type_traits>

#include "event/flags.h"

namespace adweave::process {

namespace {

// What a value adds to the bytes that are hashed: the field's number, then a number, or a text's
// length and the text.
int64_t length_of(std::string_view text) {
  return static_cast<int64_t>(2 * sizeof(uint64_t) + text.size());
}
template <class Number>
  requires std::is_arithmetic_v<Number>
int64_t length_of(Number) {
  return 2 * sizeof(uint64_t);
}

char* write_number(char* at, uint64_t number) {
  std::memcpy(at, &number, sizeof number);
  return at + sizeof number;
}

char* write_value(char* at, std::string_view text) {
  at = write_number(at, text.size());
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}
template <class Number>
  requires std::is_arithmetic_v<Number>
char* write_value(char* at, Number number) {
  return write_number(at, static_cast<uint64_t>(number));
}

// Calls f(field, row, value) for every value that counts, column by column.
template <class F>
void for_each_value(const event::Batch& batch, F&& f) {
  event::for_each_column(batch, [&](const event::FieldInfo& field, const auto& column) {
    if (field.origin != event::Origin::Mapped) return;
    for (int64_t row = 0; row < std::min(batch.rows, column.size()); ++row) {
      if (!column.has(row)) continue;
      const bool from_receipt = field.field == event::Field::event_time &&
                                (batch.flags.value_or(row, 0) & event::kTimeFromReceipt) != 0;
      if (!from_receipt) f(field, static_cast<size_t>(row), column[row]);
    }
  });
}

}  // namespace

// All rows' bytes lie in one buffer, row after row: first their lengths are added up.
std::vector<Hash128> fingerprint(event::Batch& batch) {
  const auto rows = static_cast<size_t>(batch.rows);
  std::vector<int64_t> begin(rows + 1, 0);
  for_each_value(batch, [&](const event::FieldInfo&, size_t row, const auto& value) {
    begin[row + 1] += length_of(value);
  });
  for (size_t row = 0; row < rows; ++row) begin[row + 1] += begin[row];
  const std::unique_ptr<char[]> bytes(new char[static_cast<size_t>(begin[rows])]);
  std::vector<char*> end(rows);
  for (size_t row = 0; row < rows; ++row) end[row] = bytes.get() + begin[row];
  for_each_value(batch, [&](const event::FieldInfo& field, size_t row, const auto& value) {
    char* at = write_number(end[row], static_cast<uint64_t>(field.parquet_id));
    end[row] = write_value(at, value);
  });
  std::vector<Hash128> hashes;
  hashes.reserve(rows);
  for (size_t row = 0; row < rows; ++row) {
    const char* first = bytes.get() + begin[row];
    hashes.push_back(hash128({first, static_cast<size_t>(end[row] - first)}));
    batch.content_hash.put(static_cast<int64_t>(row), static_cast<int64_t>(hashes.back().low));
  }
  return hashes;
}

}  // namespace adweave::process
