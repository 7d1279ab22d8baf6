// SPDX-License-Identifier: Apache-2.0
#include "process/fingerprint.h"

#include <cstring>
#include <type_traits>

#include "event/flags.h"

namespace adweave::process {

namespace {

void append_number(std::string& out, uint64_t number) {
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  out.append(bytes, sizeof bytes);
}

void append_value(std::string& out, std::string_view text) {
  append_number(out, text.size());
  out.append(text);
}

template <class Number>
  requires std::is_arithmetic_v<Number>
void append_value(std::string& out, Number number) {
  append_number(out, static_cast<uint64_t>(number));
}

}  // namespace

std::vector<Hash128> fingerprint(event::Batch& batch) {
  std::vector<std::string> rows(static_cast<size_t>(batch.rows));
  event::for_each_column(batch, [&](const event::FieldInfo& field, const auto& column) {
    if (field.origin != event::Origin::Mapped) return;
    for (int64_t row = 0; row < std::min(batch.rows, column.size()); ++row) {
      if (!column.has(row)) continue;
      const bool from_receipt = field.field == event::Field::event_time &&
                                (batch.flags.value_or(row, 0) & event::kTimeFromReceipt) != 0;
      if (from_receipt) continue;
      append_number(rows[static_cast<size_t>(row)], static_cast<uint64_t>(field.parquet_id));
      append_value(rows[static_cast<size_t>(row)], column[row]);
    }
  });
  std::vector<Hash128> hashes;
  hashes.reserve(rows.size());
  for (size_t row = 0; row < rows.size(); ++row) {
    hashes.push_back(hash128(rows[row]));
    batch.content_hash.put(static_cast<int64_t>(row), static_cast<int64_t>(hashes.back().low));
  }
  return hashes;
}

}  // namespace adweave::process
