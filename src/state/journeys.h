// SPDX-License-Identifier: Apache-2.0
// Each person's touches and conversions, in order of time: what attribution asks. Strings are codes
// of the pool.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "state/string_pool.h"

namespace adweave::state {

// From weak to strong: the strongest eligible class wins (semantics c.5 rule 2).
enum class TouchClass : uint8_t { view, viewable_view, click };

struct Touch {
  int64_t time = 0;  // microseconds UTC
  uint32_t event_id = 0;
  TouchClass touch_class = TouchClass::view;
  uint32_t campaign = 0;
  uint32_t ad_group = 0;
  uint32_t creative = 0;
  uint32_t placement = 0;
  uint32_t website = 0;
};

// A row of credits_log that holds now, without what the touch and the conversion say.
struct Credit {
  uint32_t touch = 0;  // event_id of the touch; none: unattributed
  uint32_t reason = 0;
  uint32_t policy = 0;
  uint32_t model = 0;
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

struct Journey {
  uint32_t advertiser = 0;
  std::vector<Touch> touches;           // by (time, event id)
  std::vector<Conversion> conversions;  // by (time, event id)
};

class Journeys {
 public:
  // The journey of a person with an advertiser; made where it is missing. A conversion of nobody
  // has a journey of its own: give the hash of its event id as the person.
  Journey& of(const Hash128& person, std::string_view advertiser);

  // False when the journey has it already.
  bool add(Journey& journey, const Touch& touch);
  bool add(Journey& journey, Conversion conversion);

  // The journey that holds a conversion of the advertiser; null when there is none.
  Journey* with_conversion(std::string_view advertiser, std::string_view event_id);
  Conversion* conversion(Journey& journey, uint32_t event_id);

  void save(ByteWriter& out) const;
  void load(ByteReader& in);

  StringPool& strings() { return strings_; }
  const StringPool& strings() const { return strings_; }

 private:
  static Hash128 key_of(const Hash128& person, std::string_view advertiser);

  StringPool strings_;
  std::unordered_map<Hash128, Journey, Hash128Hash> journeys_;
  std::unordered_map<Hash128, Journey*, Hash128Hash> by_conversion_;
};

}  // namespace adweave::state
