// SPDX-License-Identifier: Apache-2.0
#include "process/journey_rows.h"

#include "base/hash.h"

namespace adweave::process {

namespace {

using event::Batch;
using event::Kind;
using state::Adjustment;
using state::Advertiser;
using state::Conversion;
using state::Journey;
using state::Journeys;
using state::StringPool;
using state::Touch;
using state::TouchClass;

// Stand for the missing person of a click or conversion, which then has a journey of its own.
constexpr Hash128 kNobodyConverts = {0, 1};
constexpr Hash128 kNobodyClicks = {0, 2};

// So far ahead of the row that is taken its places in the indices are fetched, then its journey:
// nearly every row is of another person, far from the one before in memory.
constexpr int64_t kPlacesAhead = 24;
constexpr int64_t kJourneysAhead = 12;

uint32_t code(StringPool& strings, const event::IdColumn& column, int64_t row) {
  return column.has(row) ? strings.code_of(column[row], column.hash(row)) : StringPool::kNone;
}

TouchClass class_of(const Batch& batch, int64_t row) {
  if (batch.kind == Kind::click) return TouchClass::click;
  return batch.viewable.value_or(row, 0) != 0 ? TouchClass::viewable_view : TouchClass::view;
}

bool is_adjustment(const Batch& batch, int64_t row) {
  return batch.kind == Kind::conversion && batch.adjustment.value_or(row, "none") != "none";
}

}  // namespace

bool JourneyRows::has(Kind kind) {
  return kind == Kind::impression || kind == Kind::click || kind == Kind::conversion;
}

JourneyRows::JourneyRows(Journeys& journeys, const Batch& batch)
    : journeys_(journeys),
      strings_(journeys.strings()),
      batch_(batch),
      advertisers_(static_cast<size_t>(batch.advertiser_id.dictionary().size())),
      keys_(static_cast<size_t>(batch.rows)),
      campaign_(strings_, batch.campaign_id),
      ad_group_(strings_, batch.ad_group_id),
      creative_(strings_, batch.creative_id),
      placement_(strings_, batch.placement_id),
      website_(strings_, batch.website),
      conversion_type_(strings_, batch.conversion_type),
      currency_(strings_, batch.currency),
      reported_campaign_(strings_, batch.reported_campaign_id) {
  for (int64_t row = 0; row < batch.rows; ++row) keys_[static_cast<size_t>(row)] = key(row);
}

const Advertiser& JourneyRows::advertiser(int64_t row) {
  Advertiser& known = advertisers_[static_cast<size_t>(batch_.advertiser_id.code(row))];
  if (known.code == StringPool::kNone) known = journeys_.advertiser(batch_.advertiser_id[row]);
  return known;
}

Hash128 JourneyRows::key(int64_t row) {
  const Hash128& nobody = batch_.kind == Kind::click ? kNobodyClicks : kNobodyConverts;
  const Hash128 person = batch_.person_id.has(row) ? batch_.person_id.hash(row)
                                                   : combine(nobody, batch_.event_id.hash(row));
  return Journeys::key_of(person, advertiser(row).hash);
}

void JourneyRows::look_ahead(int64_t row) {
  if (const int64_t later = row + kPlacesAhead; later < batch_.rows) {
    journeys_.prefetch_place(keys_[static_cast<size_t>(later)]);
    strings_.prefetch(batch_.event_id.hash(later));
  }
  if (const int64_t later = row + kJourneysAhead; later < batch_.rows)
    journeys_.prefetch_journey(keys_[static_cast<size_t>(later)]);
}

Touch JourneyRows::touch(int64_t row, uint32_t event_id) {
  Touch touch;
  touch.time = batch_.event_time[row];
  touch.event_id = event_id;
  touch.touch_class = class_of(batch_, row);
  touch.campaign = campaign_.of(row);
  touch.ad_group = ad_group_.of(row);
  touch.creative = creative_.of(row);
  touch.placement = placement_.of(row);
  touch.website = website_.of(row);
  if (batch_.kind != Kind::click) return touch;
  // A new row is not joined yet; a committed one says how it was.
  const std::string_view joined_by = batch_.joined_by.value_or(row, "none");
  const uint32_t impression = code(strings_, batch_.impression_id, row);
  if (joined_by != "user_and_time") touch.sent_impression = impression;
  if (joined_by != "none") touch.impression = impression;
  touch.is_double = batch_.is_double_click.value_or(row, 0) != 0;
  return touch;
}

Conversion JourneyRows::conversion(int64_t row, uint32_t event_id) {
  Conversion conversion;
  conversion.time = batch_.event_time[row];
  conversion.event_id = event_id;
  conversion.type = conversion_type_.of(row);
  conversion.currency = currency_.of(row);
  conversion.reported_campaign = reported_campaign_.of(row);
  conversion.value = batch_.value.value_or(row, 0);
  return conversion;
}

Taken JourneyRows::adjust(int64_t row) {
  Adjustment said;
  said.retracted = batch_.adjustment[row] == "retraction";
  if (!said.retracted) {
    said.time = batch_.event_time[row];
    said.event_id = code(strings_, batch_.event_id, row);
    said.value = batch_.value.value_or(row, 0);
    said.currency = currency_.of(row);
  }
  const std::string_view advertiser = batch_.advertiser_id[row];
  if (!batch_.adjusts.has(row) || !journeys_.adjust(advertiser, batch_.adjusts[row], said))
    return {};
  Journey* journey = journeys_.with_conversion(advertiser, batch_.adjusts[row]);
  if (journey == nullptr) return {};
  const uint32_t event_id = code(strings_, batch_.adjusts, row);
  return {journey, journeys_.conversion(*journey, event_id)->time, event_id};
}

Taken JourneyRows::take(int64_t row) {
  look_ahead(row);
  if (batch_.kind == Kind::impression && !batch_.person_id.has(row)) return {};
  if (is_adjustment(batch_, row)) return adjust(row);
  Journey& journey = journeys_.of(keys_[static_cast<size_t>(row)], advertiser(row));
  const uint32_t event_id = code(strings_, batch_.event_id, row);
  const bool added = batch_.kind == Kind::conversion
                         ? journeys_.add(journey, conversion(row, event_id))
                         : journeys_.add(journey, touch(row, event_id));
  if (!added) return {};
  return {&journey, batch_.event_time[row], event_id};
}

}  // namespace adweave::process
