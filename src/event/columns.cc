// SPDX-License-Identifier: Apache-2.0
#include "event/columns.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace adweave::event {

std::vector<RowRun> runs_of(std::span<const int32_t> rows) {
  std::vector<RowRun> runs;
  for (const int32_t row : rows) {
    if (runs.empty() || runs.back().begin + runs.back().count != row) runs.push_back({row, 0});
    ++runs.back().count;
  }
  return runs;
}

void Validity::append(bool present, int64_t count) {
  for (; count > 0 && (size_ & 7) != 0; --count) append(present);
  if (count == 0) return;
  bytes_.resize(bytes_.size() + static_cast<size_t>((count + 7) / 8), present ? 0xff : 0);
  size_ += count;
  if (!present) return;
  set_ += count;
  if (const int64_t rest = size_ & 7; rest != 0)
    bytes_.back() = static_cast<uint8_t>((1U << rest) - 1);
}

void Validity::keep(std::span<const RowRun> runs) {
  const Validity before = std::exchange(*this, {});
  for (const RowRun& run : runs) {
    const auto count = static_cast<int64_t>(rows_within(run, before.size_));
    if (before.null_count() == 0 || before.set_ == 0) {
      append(before.set_ > 0, count);
    } else {
      append_bits(before, run.begin, count);
    }
  }
}

// Up to eight bits at a time.
void Validity::append_bits(const Validity& from, int64_t at, int64_t count) {
  bytes_.resize(static_cast<size_t>((size_ + count + 7) / 8));
  while (count > 0) {
    const int64_t taken = std::min({count, 8 - (size_ & 7), 8 - (at & 7)});
    const unsigned mask = (1U << taken) - 1;
    const unsigned bits = from.bytes_[static_cast<size_t>(at >> 3)] >> (at & 7) & mask;
    uint8_t& byte = bytes_[static_cast<size_t>(size_ >> 3)];
    byte = static_cast<uint8_t>(byte | bits << (size_ & 7));
    set_ += std::popcount(bits);
    size_ += taken;
    at += taken;
    count -= taken;
  }
}

void StrColumn::keep(std::span<const RowRun> runs) {
  const int64_t rows = size();
  int32_t end = 0;
  size_t kept = 0;
  for (const RowRun& run : runs) {  // in place: nothing moves to the right
    const auto first = static_cast<size_t>(run.begin);
    const size_t count = rows_within(run, rows);
    if (count == 0) break;
    const int32_t begin = offsets_[first];
    const int32_t length = offsets_[first + count] - begin;
    std::memmove(bytes_.data() + end, bytes_.data() + begin, static_cast<size_t>(length));
    for (size_t i = 0; i < count; ++i) offsets_[kept + i] = offsets_[first + i] - begin + end;
    kept += count;
    end += length;
  }
  offsets_.resize(kept + 1);
  offsets_.back() = end;
  bytes_.resize(static_cast<size_t>(end));
  validity_.keep(runs);
}

int32_t Dictionary::code_of(std::string_view value) {
  const auto next = static_cast<uint32_t>(size());
  const uint32_t code = codes_.code_of(
      value, next, [&](uint32_t known) { return values_[static_cast<int64_t>(known)]; });
  if (code == next) values_.put(size(), value);
  return static_cast<int32_t>(code);
}

}  // namespace adweave::event
