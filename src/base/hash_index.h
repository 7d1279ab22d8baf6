// SPDX-License-Identifier: Apache-2.0
// Finds things by a hash of them. The things are kept by the owner, each under a small number; the
// index has 8 bytes a slot and no node.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace adweave {

class HashIndex {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // The number of the thing with that hash for which `is(number)` holds. Else `next`, which is its
  // number from now on: the owner keeps the thing.
  template <class Is>
  uint32_t find_or_add(uint64_t hash, uint32_t next, Is is) {
    if (2 * used_ >= slots_.size()) grow();
    const size_t at = slot_of(high(hash), is);
    if (slots_[at].number != kNone) return slots_[at].number;
    slots_[at] = {high(hash), next};
    ++used_;
    return next;
  }

  // Makes a look-up soon after cheaper.
  void prefetch(uint64_t hash) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[home_of(high(hash), slots_.size())]);
  }
  // The thing of the hash that `is` knows; kNone: there is none.
  template <class Is>
  uint32_t find(uint64_t hash, Is is) const {
    return slots_.empty() ? kNone : slots_[slot_of(high(hash), is)].number;
  }
  // A thing that the hash may be of, without a look at things; kNone: there is none.
  uint32_t candidate(uint64_t hash) const {
    return find(hash, [](uint32_t) { return true; });
  }

 private:
  static constexpr size_t kFirstSlots = 16;

  struct Slot {
    uint32_t hash = 0;  // the high half
    uint32_t number = kNone;
  };

  static uint32_t high(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }
  // Grows with the hash, so that growth needs no look at the things and passes through memory in
  // order.
  static size_t home_of(uint32_t hash, size_t slots) {
    return static_cast<size_t>(uint64_t{hash} * slots >> 32);
  }
  size_t after(size_t at) const { return at + 1 == slots_.size() ? 0 : at + 1; }

  template <class Is>
  size_t slot_of(uint32_t hash, Is is) const {
    size_t at = home_of(hash, slots_.size());
    for (; slots_[at].number != kNone; at = after(at)) {
      if (slots_[at].hash == hash && is(slots_[at].number)) break;
    }
    return at;
  }

  void grow() {
    const std::vector<Slot> before =
        std::exchange(slots_, std::vector<Slot>(std::max(kFirstSlots, 2 * slots_.size())));
    for (const Slot& slot : before) {
      if (slot.number != kNone) slots_[slot_of(slot.hash, [](uint32_t) { return false; })] = slot;
    }
  }

  std::vector<Slot> slots_;  // at most half in use
  size_t used_ = 0;
};

}  // namespace adweave
