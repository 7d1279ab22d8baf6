// SPDX-License-Identifier: Apache-2.0
#include "state/ids_seen.h"

#include "base/check.h"

namespace adweave::state {

namespace {

constexpr int kElementBits = 20;
constexpr uint64_t kElementMask = (1U << kElementBits) - 1;
constexpr size_t kIndexMin = 1024;

}  // namespace

uint64_t pack_position(int64_t offset, int32_t element) {
  CHECK(element + 1 >= 0 && static_cast<uint64_t>(element + 1) <= kElementMask);
  CHECK(offset >= 0 && offset < int64_t{1} << 44);
  return static_cast<uint64_t>(offset) << kElementBits | static_cast<uint64_t>(element + 1);
}

int64_t packed_offset(uint64_t position) {
  return static_cast<int64_t>(position >> kElementBits);
}
int32_t packed_element(uint64_t position) {
  return static_cast<int32_t>(position & kElementMask) - 1;
}

// The slot that holds `key`, or the empty one where it belongs.
size_t IdsSeen::slot_of(const Hash128& key) const {
  const size_t mask = index_.size() - 1;
  size_t slot = static_cast<size_t>(key.low) & mask;
  while (index_[slot] != 0 && entries_[index_[slot] - 1].key != key) slot = (slot + 1) & mask;
  return slot;
}

const Seen* IdsSeen::find(const Hash128& key) const {
  if (entries_.empty()) return nullptr;
  const uint32_t number = index_[slot_of(key)];
  return number == 0 ? nullptr : &entries_[number - 1].seen;
}

void IdsSeen::insert(const Hash128& key, const Seen& seen) {
  CHECK(entries_.size() < UINT32_MAX);
  if ((entries_.size() + 1) * 4 > index_.size() * 3) grow();
  uint32_t& number = index_[slot_of(key)];
  CHECK(number == 0);
  entries_.push_back({key, seen});
  number = static_cast<uint32_t>(entries_.size());
}

void IdsSeen::save(ByteWriter& out) const {
  out.number(static_cast<uint64_t>(entries_.size()));
  for (const Entry& entry : entries_) out.number(entry);
}

void IdsSeen::load(ByteReader& in) {
  for (uint64_t left = in.count(sizeof(Entry)); left > 0; --left) {
    const auto entry = in.number<Entry>();
    insert(entry.key, entry.seen);
  }
}

void IdsSeen::grow() {
  index_.assign(index_.empty() ? kIndexMin : index_.size() * 2, 0);
  for (size_t i = 0; i < entries_.size(); ++i)
    index_[slot_of(entries_[i].key)] = static_cast<uint32_t>(i + 1);
}

}  // namespace adweave::state
