// SPDX-License-Identifier: Apache-2.0
// Finds distinct texts by themselves. The texts are kept by the owner, each under a small number,
// its code; the index has 8 bytes a slot and no node.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"

namespace adweave {

class TextIndex {
 public:
  // The code of a text that was given before. Else `next`, which is its code from now on: the owner
  // keeps the text. `text_of(code)` is the text of a code that was returned before.
  template <class TextOf>
  uint32_t code_of(std::string_view text, uint32_t next, TextOf text_of) {
    if (2 * used_ >= slots_.size()) grow(text_of);
    const uint64_t hash = hash64(text);
    size_t at = hash & (slots_.size() - 1);
    for (; slots_[at].code != kFree; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].hash == high(hash) && text_of(slots_[at].code) == text) return slots_[at].code;
    }
    slots_[at] = {high(hash), next};
    ++used_;
    return next;
  }

 private:
  static constexpr uint32_t kFree = UINT32_MAX;
  static constexpr size_t kFirstSlots = 16;

  struct Slot {
    uint32_t hash = 0;  // the high half of the text's hash64
    uint32_t code = kFree;
  };

  static uint32_t high(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

  template <class TextOf>
  void grow(TextOf text_of) {
    const size_t size = std::max(kFirstSlots, 2 * slots_.size());
    for (const Slot& slot : std::exchange(slots_, std::vector<Slot>(size))) {
      if (slot.code == kFree) continue;
      size_t at = hash64(text_of(slot.code)) & (size - 1);
      while (slots_[at].code != kFree) at = (at + 1) & (size - 1);
      slots_[at] = slot;
    }
  }

  std::vector<Slot> slots_;  // a power of two of them, at most half in use: by the low half
  size_t used_ = 0;
};

}  // namespace adweave
