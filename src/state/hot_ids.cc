// SPDX-License-Identifier: Apache-2.0
#include "state/hot_ids.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace adweave::state {

namespace {

constexpr int kTagBits = 10;
constexpr int kNumberBits = 32 - kTagBits;
constexpr uint32_t kNumberMask = (1U << kNumberBits) - 1;
constexpr size_t kSlotsMin = 64;
constexpr size_t kSearchSlots = 12;  // a search seldom goes further
constexpr size_t kGrowth = 2;        // by a half: each key is indexed three times in all
constexpr int kRegionShift = 44;     // of a position: what is below differs from key to key
constexpr uint64_t kRegionMask = (uint64_t{1} << kRegionShift) - 1;
constexpr size_t kHighAt = 8;
constexpr size_t kHighBytes = 7;
constexpr size_t kContentAt = 15;
constexpr size_t kPlaceAt = 23;
constexpr size_t kPlaceBytes = 3;
constexpr size_t kPositionAt = 26;
constexpr size_t kPositionBytes = 6;
constexpr size_t kPlaceMemory = 96;  // a place with its share of a map
constexpr int kShardShift = 56;      // of a key's high half

size_t shard_of(const Hash128& key) {
  return key.high >> kShardShift;
}

uint32_t tag_of(uint64_t key_low) {
  return static_cast<uint32_t>(key_low) >> kNumberBits;
}

// Of `slots` slots, where the search for the key begins.
size_t home_of(uint64_t key_low, size_t slots) {
  return static_cast<size_t>((key_low >> 32) * slots >> 32);
}

bool is_crowded(size_t entries, size_t slots) {
  return (entries + 1) * 5 > slots * 4;
}

// The low `size` bytes of a number.
template <size_t size = sizeof(uint64_t)>
uint64_t number_at(const char* bytes) {
  uint64_t number = 0;
  std::memcpy(&number, bytes, size);
  return number;
}

}  // namespace

size_t HotIds::Shard::empty_slot(size_t slot) const {
  while (slots[slot] != 0) slot = slot + 1 == slots.size() ? 0 : slot + 1;
  return slot;
}

void HotIds::Shard::index(uint64_t key_low, uint32_t number, size_t from) {
  slots[empty_slot(from)] = tag_of(key_low) << kNumberBits | (number + 1);
}

void HotIds::Shard::resize(size_t slot_count) {
  slots = {};  // given back before more is asked for
  slots.assign(slot_count, 0);
  for (uint32_t number = 0; number < size(); ++number) {
    const uint64_t key_low = number_at(entries[number].bytes.data());
    index(key_low, number, home_of(key_low, slot_count));
  }
}

Hash128 HotIds::key_of(const Entry& entry, size_t shard) {
  const char* bytes = entry.bytes.data();
  return {number_at<kHighBytes>(bytes + kHighAt) | static_cast<uint64_t>(shard) << kShardShift,
          number_at(bytes)};
}

SeenId HotIds::unpack(const Entry& entry, size_t shard) const {
  const char* bytes = entry.bytes.data();
  const Place& place = places_[number_at<kPlaceBytes>(bytes + kPlaceAt)];
  const uint64_t position = number_at<kPositionBytes>(bytes + kPositionAt) |
                            static_cast<uint64_t>(place.region) << kRegionShift;
  return {key_of(entry, shard),
          {number_at(bytes + kContentAt), place.commit, place.file, position}};
}

uint32_t HotIds::place_code(const Place& place) {
  if (!places_.empty() && places_.back() == place) return static_cast<uint32_t>(places_.size() - 1);
  CHECK(places_.size() < kPlacesMax);
  const auto [it, added] = place_codes_.try_emplace(place, static_cast<uint32_t>(places_.size()));
  if (added) places_.push_back(place);
  return it->second;
}

std::optional<Seen> HotIds::find(const Hash128& key) const {
  const size_t at = shard_of(key);
  const Shard& shard = shards_[at];
  if (shard.size() == 0) return std::nullopt;
  const uint32_t tag = tag_of(key.low);
  const size_t count = shard.slots.size();
  for (size_t slot = home_of(key.low, count);; slot = slot + 1 == count ? 0 : slot + 1) {
    const uint32_t value = shard.slots[slot];
    if (value == 0) {
      miss_ = {key, slot};
      return std::nullopt;
    }
    if (value >> kNumberBits != tag) continue;
    const Entry& entry = shard.entries[(value & kNumberMask) - 1];
    if (key_of(entry, at) == key) return unpack(entry, at).seen;
  }
}

void HotIds::insert(const Hash128& key, const Seen& seen) {
  Shard& shard = shards_[shard_of(key)];
  CHECK(shard.size() + 1 < kNumberMask);
  if (is_crowded(shard.size(), shard.slots.size())) {
    shard.resize(std::max(kSlotsMin, shard.slots.size() + shard.slots.size() / kGrowth));
    miss_ = {};  // slots have other places now
  }
  const size_t from = miss_.key == key ? miss_.slot : home_of(key.low, shard.slots.size());
  const uint32_t place =
      place_code({seen.commit, seen.file, static_cast<uint32_t>(seen.position >> kRegionShift)});
  const uint64_t position = seen.position & kRegionMask;
  shard.index(key.low, shard.size(), from);
  char* bytes = shard.entries.add().bytes.data();
  std::memcpy(bytes, &key.low, sizeof key.low);
  std::memcpy(bytes + kHighAt, &key.high, kHighBytes);
  std::memcpy(bytes + kContentAt, &seen.content_hash, sizeof seen.content_hash);
  std::memcpy(bytes + kPlaceAt, &place, kPlaceBytes);
  std::memcpy(bytes + kPositionAt, &position, kPositionBytes);
  ++size_;
}

void HotIds::prefetch(const Hash128& key) const {
  const Shard& shard = shards_[shard_of(key)];
  if (shard.size() == 0) return;
  const uint32_t* home = &shard.slots[home_of(key.low, shard.slots.size())];
  __builtin_prefetch(home);
  __builtin_prefetch(home + kSearchSlots);
  __builtin_prefetch(shard.entries.next(), 1);  // nearly every key is new: its entry comes there
}

int64_t HotIds::memory_bytes() const {
  size_t bytes = places_.size() * kPlaceMemory;
  for (const Shard& shard : shards_) {
    bytes += shard.entries.memory_bytes();
    bytes += shard.slots.capacity() * sizeof(uint32_t);
  }
  return static_cast<int64_t>(bytes);
}

Status HotIds::visit_sorted(const std::function<Status(std::span<const SeenId>)>& visit) const {
  std::vector<SeenId> ids;
  for (size_t at = 0; at < kShards; ++at) {
    const Shard& shard = shards_[at];
    ids.clear();
    for (uint32_t number = 0; number < shard.size(); ++number)
      ids.push_back(unpack(shard.entries[number], at));
    std::sort(ids.begin(), ids.end(),
              [](const SeenId& a, const SeenId& b) { return a.key < b.key; });
    ADWEAVE_TRY(visit(ids));
  }
  return {};
}

void HotIds::save_places(ByteWriter& out, size_t first) const {
  out.number(static_cast<uint64_t>(places_.size() - first));
  for (size_t code = first; code < places_.size(); ++code) out.number(places_[code]);
}

void HotIds::save_shard(ByteWriter& out, size_t number) const {
  const Shard& shard = shards_[number];
  out.number(static_cast<uint64_t>(shard.size()));
  for (uint32_t entry = 0; entry < shard.size(); entry += kChunkEntries) {
    const size_t count = std::min<size_t>(kChunkEntries, shard.size() - entry);
    out.bytes({shard.entries[entry].bytes.data(), count * sizeof(Entry)});
  }
}

bool HotIds::load_places(ByteReader& in) {
  for (uint64_t left = in.count(sizeof(Place)); left > 0; --left) {
    const size_t code = places_.size();
    if (place_code(in.number<Place>()) != code) return false;
  }
  return in.ok();
}

bool HotIds::load_shard(ByteReader& in, size_t number) {
  Shard& shard = shards_[number];
  CHECK(shard.size() == 0);
  const uint64_t count = in.count(sizeof(Entry));
  if (count >= kNumberMask) return false;
  for (uint64_t i = 0; i < count; ++i) {
    const auto entry = in.number<Entry>();
    if (number_at<kPlaceBytes>(entry.bytes.data() + kPlaceAt) >= places_.size()) return false;
    shard.entries.add() = entry;
  }
  size_t slots = count == 0 ? 0 : kSlotsMin;
  while (count > 0 && is_crowded(count, slots)) slots += slots / kGrowth;
  if (slots > 0) shard.resize(slots);
  size_ += static_cast<int64_t>(count);
  return in.ok();
}

}  // namespace adweave::state
