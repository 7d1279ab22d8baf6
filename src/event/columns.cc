// SPDX-License-Identifier: Apache-2.0
#include "event/columns.h"

#include <cstring>
#include <utility>

namespace adweave::event {

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

void Validity::keep(std::span<const int32_t> bits) {
  const bool all = null_count() == 0;
  const Validity before = std::exchange(*this, {});
  if (all) {
    size_ = set_ = static_cast<int64_t>(bits.size());
    bytes_.assign((bits.size() + 7) / 8, 0xff);
    if (const size_t rest = bits.size() % 8; rest != 0)
      bytes_.back() = static_cast<uint8_t>((1U << rest) - 1);
    return;
  }
  bytes_.reserve((bits.size() + 7) / 8);
  for (const int32_t bit : bits) append(before.is_set(bit));
}

void StrColumn::keep(const std::vector<int32_t>& rows) {
  const std::span<const int32_t> kept = rows_within(rows, size());
  int32_t end = 0;
  for (size_t i = 0; i < kept.size(); ++i) {  // in place: nothing moves to the right
    const auto row = static_cast<size_t>(kept[i]);
    const int32_t begin = offsets_[row];
    const int32_t length = offsets_[row + 1] - begin;
    std::memmove(bytes_.data() + end, bytes_.data() + begin, static_cast<size_t>(length));
    offsets_[i] = end;
    end += length;
  }
  offsets_.resize(kept.size() + 1);
  offsets_.back() = end;
  bytes_.resize(static_cast<size_t>(end));
  validity_.keep(kept);
}

int32_t Dictionary::code_of(std::string_view value) {
  const auto next = static_cast<uint32_t>(size());
  const uint32_t code = codes_.code_of(
      value, next, [&](uint32_t known) { return values_[static_cast<int64_t>(known)]; });
  if (code == next) values_.put(size(), value);
  return static_cast<int32_t>(code);
}

}  // namespace adweave::event
