// SPDX-License-Identifier: Apache-2.0
// Each person's touches and conversions, in order of time: what attribution asks. Strings are codes
// of the pool.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/hash_index.h"
#include "state/chunked.h"
#include "state/ordered_list.h"
#include "state/string_pool.h"

namespace adweave::state {

// From weak to strong: the strongest eligible class wins (semantics c.5 rule 2).
enum class TouchClass : uint8_t { view, viewable_view, click };

struct Touch {
  int64_t time = 0;  // microseconds UTC
  uint32_t event_id = 0;
  TouchClass touch_class = TouchClass::view;
  bool joined_by_fact = false;  // `impression` is a row of facts, not of the click's own row
  bool is_double = false;       // a click that repeats one on the same impression
  bool double_by_fact = false;
  uint32_t campaign = 0;
  uint32_t ad_group = 0;
  uint32_t creative = 0;
  uint32_t placement = 0;
  uint32_t website = 0;
  uint32_t sent_impression = 0;  // of a click: as its feed says
  uint32_t impression = 0;       // of a click: the accepted impression that it is of
};

// A row of credits_log that holds now, without what the touch and the conversion say.
struct Credit {
  uint32_t touch = 0;  // event_id of the touch; none: unattributed
  uint32_t reason = 0;
  uint32_t policy = 0;
  uint32_t model = 0;
  uint32_t currency = 0;
  int64_t credit = 0;  // ppb
  int64_t value = 0;   // nanos
  int64_t path_position = 0;
  int64_t path_length = 0;
  auto operator<=>(const Credit&) const = default;
};

// By the texts, not the codes: codes differ between a run and a rebuilt state.
struct CreditOrder {
  const StringPool& strings;
  bool operator()(const Credit& a, const Credit& b) const;
};

struct Conversion {
  int64_t time = 0;
  uint32_t event_id = 0;
  uint32_t type = 0;
  uint32_t currency = 0;
  uint32_t reported_campaign = 0;
  int64_t value = 0;
  std::vector<Credit> credits;  // sorted
};

// What the retractions and restatements of a conversion say together, in whatever order they came:
// a retraction is final, of restatements the one with the latest time, then the largest event id,
// holds.
struct Adjustment {
  bool retracted = false;
  int64_t time = INT64_MIN;  // of the restatement that holds
  uint32_t event_id = 0;     // its id; none: nothing was restated
  int64_t value = 0;         // nanos
  uint32_t currency = 0;     // none: the conversion's own
};

inline constexpr int64_t kUnchanged = INT64_MAX;

struct Journey {
  Hash128 key;  // of the person and the advertiser
  uint32_t advertiser = 0;
  uint32_t unnamed_clicks = 0;          // touches that are clicks which name no impression
  int64_t changed_since = kUnchanged;   // microseconds UTC, in the commit in the making; not saved
  OrderedList<Touch> touches;           // by (time, event id)
  OrderedList<Conversion> conversions;  // by (time, event id)
};

// A click, where it lies.
struct ClickPlace {
  Journey* journey = nullptr;
  int64_t time = 0;
  uint32_t event_id = 0;

  bool operator==(const ClickPlace&) const = default;
};

// An advertiser as the journeys know him, so that many rows of his need one look at his name.
struct Advertiser {
  uint32_t code = StringPool::kNone;
  Hash128 hash;  // of his name
};

class Journeys {
 public:
  Advertiser advertiser(std::string_view name) { return {strings_.code_of(name), hash128(name)}; }

  // The journey of a person with an advertiser; made where it is missing. A click or conversion of
  // nobody has a journey of its own: give a hash of its event id as the person.
  Journey& of(const Hash128& person, std::string_view advertiser) {
    const Advertiser known = this->advertiser(advertiser);
    return of(key_of(person, known.hash), known);
  }
  // The same by key_of() both.
  Journey& of(const Hash128& key, const Advertiser& advertiser);
  static Hash128 key_of(const Hash128& id, const Hash128& advertiser_hash) {
    return combine(advertiser_hash, id);
  }
  // Makes of() of the key soon after cheaper: its place in the index, and later the journey.
  void prefetch_place(const Hash128& key) const { index_.prefetch(key.low); }
  void prefetch_journey(const Hash128& key) const {
    const uint32_t number = index_.candidate(key.low);
    if (number != HashIndex::kNone) __builtin_prefetch(&journeys_[number]);
  }

  // False when the journey has it already.
  bool add(Journey& journey, const Touch& touch);
  bool add(Journey& journey, Conversion conversion);

  // The journey that holds a conversion or click of the advertiser; null when there is none.
  Journey* with_conversion(std::string_view advertiser, std::string_view event_id);
  Journey* with_click(std::string_view advertiser, std::string_view event_id);
  Conversion* conversion(Journey& journey, uint32_t event_id);
  // Null when the journey does not have it.
  Touch* touch(const ClickPlace& place);

  // Clicks that name an impression of the advertiser or are joined to it; in no order. Null when
  // there is none.
  const std::vector<ClickPlace>* clicks_on(const Hash128& advertiser_hash,
                                           const Hash128& impression) const;
  // Joins a click that the journey has to an impression, instead of the one it had.
  void join(const ClickPlace& click, uint32_t impression);

  // False when it changes nothing.
  bool adjust(std::string_view advertiser, std::string_view conversion_id, const Adjustment& said);
  // Null when nothing was adjusted.
  const Adjustment* adjustment_of(const Journey& journey, const Conversion& conversion) const;

  // Journeys have numbers, in the order of their first event. A saved one names strings, which must
  // be loaded before it.
  size_t size() const { return journeys_.size(); }
  uint32_t number_of(const Journey& journey) const;
  void save_journey(ByteWriter& out, size_t number) const;
  void load_journey(ByteReader& in);
  void save_adjustments(ByteWriter& out) const;
  void load_adjustments(ByteReader& in);

  StringPool& strings() { return strings_; }
  const StringPool& strings() const { return strings_; }

 private:
  Hash128 key_of(uint32_t id, uint32_t advertiser) const {
    return key_of(hash128(strings_[id]), hash128(strings_[advertiser]));
  }
  void index_click(Journey& journey, const Touch& touch);

  StringPool strings_;
  Chunked<Journey, 256> journeys_;  // in the order of their first event
  HashIndex index_;                 // of their keys
  std::unordered_map<Hash128, Journey*, Hash128Hash> by_conversion_;
  std::unordered_map<Hash128, Journey*, Hash128Hash> by_click_;
  std::unordered_map<Hash128, std::vector<ClickPlace>, Hash128Hash> by_impression_;
  std::unordered_map<Hash128, Adjustment, Hash128Hash> adjustments_;  // by conversion
};

}  // namespace adweave::state
