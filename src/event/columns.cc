// SPDX-License-Identifier: Apache-2.0
#include "event/columns.h"

#include <cstring>
#include <utility>

namespace adweave::event {

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
  if (2 * static_cast<size_t>(size()) >= slots_.size()) grow();
  const uint64_t hash = hash64(value);
  const auto high = static_cast<uint32_t>(hash >> 32);
  size_t at = hash & (slots_.size() - 1);
  for (; slots_[at].code >= 0; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].hash == high && values_[slots_[at].code] == value) return slots_[at].code;
  }
  const int32_t code = size();
  values_.put(code, value);
  slots_[at] = {high, code};
  return code;
}

void Dictionary::grow() {
  constexpr size_t kFirst = 16;
  slots_.assign(std::max(kFirst, 2 * slots_.size()), {});
  for (int32_t code = 0; code < size(); ++code) {
    const uint64_t hash = hash64(values_[code]);
    size_t at = hash & (slots_.size() - 1);
    while (slots_[at].code >= 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {static_cast<uint32_t>(hash >> 32), code};
  }
}

}  // namespace adweave::event
