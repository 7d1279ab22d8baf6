// SPDX-License-Identifier: Apache-2.0
// Bad data as a value: what could not become an event, and why. A reject loses only itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "event/batch.h"
#include "event/schema.h"

namespace adweave::event {

// Why an event was rejected. Names are stored and documented in docs/reference/rejects.md.
enum class Reason : uint8_t {
  malformed,  // not of its format: broken JSON, quotes, a damaged Avro block, a line no pattern
              // fits
  too_large,  // record over event_bytes_max
  too_deep,   // nesting over the limit
  too_many_events,       // one record holds more events than the limit
  bad_encoding,          // not UTF-8
  missing_field,         // a required field is absent or null
  wrong_type,            // a value of another type than its field
  bad_number,            // no number, or out of range
  bad_time,              // no time in the declared form, or the wrong epoch unit
  time_out_of_range,     // before 2000-01-01 or more than 10 minutes after its receipt
  older_than_retention,  // before the oldest retained day
  bad_money,             // no amount, or over 10^9 units
  bad_currency,          // no ISO 4217 code
  negative_money,        // an amount that cannot be negative is
  unexpanded_macro,      // "${...}" or AUDIT where a value should be
  unknown_kind,          // no row rule of the mapping fits
  unknown_value,         // a value outside the field's closed list
  filtered,              // by a rule of the configuration
  quarantined,           // by a rule of the configuration
  unknown_schema,        // a message names a schema that nobody knows
  unread_value,          // a value that no field reads, where the mapping forbids it
};
std::string_view reason_name(Reason reason);
// What it means, for people.
std::string_view reason_text(Reason reason);
// What to do about it: in the configuration, or at the sender.
std::string_view reason_fix(Reason reason);
std::optional<Reason> parse_reason(std::string_view name);

struct Reject {
  Reason reason = Reason::malformed;
  std::string rule;     // field or rule that was broken; may be empty
  std::string message;  // what is wrong, in a sentence, with the offending value cut to 100 bytes
  std::optional<Kind> kind;
  RecordSpan span;  // in the slice's bytes
};

// Words for an offending value: quoted, control characters escaped, cut to 100 bytes.
std::string quoted(std::string_view value);

}  // namespace adweave::event
