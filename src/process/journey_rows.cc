// SPDX-License-Identifier: Apache-2.0
#include "process/journey_rows.h"

#include "base/hash.h"

namespace adweave::process {

namespace {

using event::Batch;
using event::Kind;
using state::Adjustment;
using state::Conversion;
using state::Journey;
using state::Journeys;
using state::StringPool;
using state::Touch;
using state::TouchClass;

// Stand for the missing person of a click or conversion, which then has a journey of its own.
constexpr Hash128 kNobodyConverts = {0, 1};
constexpr Hash128 kNobodyClicks = {0, 2};

template <class Column>
uint32_t code(Journeys& journeys, const Column& column, int64_t row) {
  return column.has(row) ? journeys.strings().code_of(column[row]) : StringPool::kNone;
}

TouchClass class_of(const Batch& batch, int64_t row) {
  if (batch.kind == Kind::click) return TouchClass::click;
  return batch.viewable.value_or(row, 0) != 0 ? TouchClass::viewable_view : TouchClass::view;
}

Touch touch_of(Journeys& journeys, const Batch& batch, int64_t row) {
  Touch touch;
  touch.time = batch.event_time[row];
  touch.event_id = journeys.strings().code_of(batch.event_id[row]);
  touch.touch_class = class_of(batch, row);
  touch.campaign = code(journeys, batch.campaign_id, row);
  touch.ad_group = code(journeys, batch.ad_group_id, row);
  touch.creative = code(journeys, batch.creative_id, row);
  touch.placement = code(journeys, batch.placement_id, row);
  touch.website = code(journeys, batch.website, row);
  if (batch.kind != Kind::click) return touch;
  // A new row is not joined yet; a committed one says how it was.
  const std::string_view joined_by = batch.joined_by.value_or(row, "none");
  const uint32_t impression = code(journeys, batch.impression_id, row);
  if (joined_by != "user_and_time") touch.sent_impression = impression;
  if (joined_by != "none") touch.impression = impression;
  touch.is_double = batch.is_double_click.value_or(row, 0) != 0;
  return touch;
}

Conversion conversion_of(Journeys& journeys, const Batch& batch, int64_t row) {
  Conversion conversion;
  conversion.time = batch.event_time[row];
  conversion.event_id = journeys.strings().code_of(batch.event_id[row]);
  conversion.type = code(journeys, batch.conversion_type, row);
  conversion.currency = code(journeys, batch.currency, row);
  conversion.reported_campaign = code(journeys, batch.reported_campaign_id, row);
  conversion.value = batch.value.value_or(row, 0);
  return conversion;
}

Taken adjust(Journeys& journeys, const Batch& batch, int64_t row) {
  Adjustment said;
  said.retracted = batch.adjustment[row] == "retraction";
  if (!said.retracted) {
    said.time = batch.event_time[row];
    said.event_id = journeys.strings().code_of(batch.event_id[row]);
    said.value = batch.value.value_or(row, 0);
    said.currency = code(journeys, batch.currency, row);
  }
  const std::string_view advertiser = batch.advertiser_id[row];
  if (!batch.adjusts.has(row) || !journeys.adjust(advertiser, batch.adjusts[row], said)) return {};
  Journey* journey = journeys.with_conversion(advertiser, batch.adjusts[row]);
  if (journey == nullptr) return {};
  const uint32_t event_id = journeys.strings().code_of(batch.adjusts[row]);
  return {journey, journeys.conversion(*journey, event_id)->time, event_id};
}

Journey& journey_of(Journeys& journeys, const Batch& batch, int64_t row) {
  const Hash128& nobody = batch.kind == Kind::click ? kNobodyClicks : kNobodyConverts;
  const Hash128 person = batch.person_id.has(row) ? batch.person_id.hash(row)
                                                  : combine(nobody, batch.event_id.hash(row));
  return journeys.of(person, batch.advertiser_id[row]);
}

}  // namespace

Taken take_row(Journeys& journeys, const Batch& batch, int64_t row) {
  const bool touches = batch.kind == Kind::impression || batch.kind == Kind::click;
  if (!touches && batch.kind != Kind::conversion) return {};
  if (batch.kind == Kind::impression && !batch.person_id.has(row)) return {};
  if (batch.kind == Kind::conversion && batch.adjustment.value_or(row, "none") != "none")
    return adjust(journeys, batch, row);
  Journey& journey = journey_of(journeys, batch, row);
  const bool added = touches ? journeys.add(journey, touch_of(journeys, batch, row))
                             : journeys.add(journey, conversion_of(journeys, batch, row));
  if (!added) return {};
  return {&journey, batch.event_time[row], journeys.strings().code_of(batch.event_id[row])};
}

}  // namespace adweave::process
