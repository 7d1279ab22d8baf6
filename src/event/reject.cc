// SPDX-License-Identifier: Apache-2.0
#include "event/reject.h"

#include <algorithm>
#include <array>

#include "base/json.h"

namespace adweave::event {

namespace {
constexpr std::array<std::string_view, 21> kNames = {"malformed",
                                                     "too_large",
                                                     "too_deep",
                                                     "too_many_events",
                                                     "bad_encoding",
                                                     "missing_field",
                                                     "wrong_type",
                                                     "bad_number",
                                                     "bad_time",
                                                     "time_out_of_range",
                                                     "older_than_retention",
                                                     "bad_money",
                                                     "bad_currency",
                                                     "negative_money",
                                                     "unexpanded_macro",
                                                     "unknown_kind",
                                                     "unknown_value",
                                                     "filtered",
                                                     "quarantined",
                                                     "unknown_schema",
                                                     "unread_value"};
static_assert(kNames.size() == static_cast<size_t>(Reason::unread_value) + 1);
constexpr size_t kQuotedBytesMax = 100;
}  // namespace

std::string_view reason_name(Reason reason) {
  return kNames[static_cast<size_t>(reason)];
}

std::string_view reason_text(Reason reason) {
  switch (reason) {
    case Reason::malformed:
      return "not of its format: broken JSON, quotes, a damaged Avro block, a line no pattern";
    case Reason::too_large:
      return "record over event_bytes_max";
    case Reason::too_deep:
      return "nesting over the limit";
    case Reason::too_many_events:
      return "one record holds more events than the limit";
    case Reason::bad_encoding:
      return "not UTF-8";
    case Reason::unknown_schema:
      return "a message names a schema that the source does not know";
    case Reason::unread_value:
      return "a value that no field reads, where the mapping forbids it";
    case Reason::missing_field:
      return "a required field is absent or null";
    case Reason::wrong_type:
      return "a value of another type than its field";
    case Reason::bad_number:
      return "no number, or out of range";
    case Reason::bad_time:
      return "no time in the declared form, or the wrong epoch unit";
    case Reason::time_out_of_range:
      return "before 2000-01-01 or more than 10 minutes after its receipt";
    case Reason::older_than_retention:
      return "before the oldest retained day";
    case Reason::bad_money:
      return "no amount, or over 10^9 units";
    case Reason::bad_currency:
      return "no ISO 4217 code";
    case Reason::negative_money:
      return "an amount that cannot be negative is";
    case Reason::unexpanded_macro:
      return "\"${...}\" or AUDIT where a value should be";
    case Reason::unknown_kind:
      return "no row rule of the mapping fits";
    case Reason::unknown_value:
      return "a value outside the field's closed list";
    case Reason::filtered:
      return "by a rule of the configuration";
    case Reason::quarantined:
      return "by a rule of the configuration";
  }
  return "";
}

std::string_view reason_fix(Reason reason) {
  switch (reason) {
    case Reason::malformed:
      return "adweave inspect FILE tells whether format or dialect are others; else have it sent "
             "again";
    case Reason::too_large:
      return "raise limits.event_bytes_max if such records are right";
    case Reason::too_deep:
      return "have it sent flatter";
    case Reason::too_many_events:
      return "have it sent in several records";
    case Reason::bad_encoding:
      return "declare the feed's encoding: latin-1, windows-1252, utf-16le";
    case Reason::missing_field:
      return "add the name the feed uses now to from, or a fallback";
    case Reason::wrong_type:
      return "map the value inside (a.b, a[0]), or set on_error: null";
    case Reason::bad_number:
      return "declare decimal and thousands, or set on_error: null";
    case Reason::bad_time:
      return "add the feed's form to time, or its zone";
    case Reason::time_out_of_range:
      return "set the sender's clock; check the unit of the epoch and the zone";
    case Reason::older_than_retention:
      return "the day is gone by a retention commit; nothing can be done here";
    case Reason::bad_money:
      return "declare unit, decimal and thousands, or set on_error: null";
    case Reason::bad_currency:
      return "map the feed's word with values, or set a fallback";
    case Reason::negative_money:
      return "send refunds as adjustments of the conversion";
    case Reason::unexpanded_macro:
      return "the ad server did not fill the macro in: correct the tag";
    case Reason::unknown_kind:
      return "add a row rule for it, or drop it with a reason";
    case Reason::unknown_value:
      return "map the feed's word with values, or set on_error: null";
    case Reason::filtered:
      return "wanted by a rule with drop; change the rule if it is not";
    case Reason::quarantined:
      return "wanted by a rule; look at the samples";
    case Reason::unknown_schema:
      return "add the schema to schemas";
    case Reason::unread_value:
      return "map the new value, or set unread: extra";
  }
  return "";
}

std::optional<Reason> parse_reason(std::string_view name) {
  const auto it = std::find(kNames.begin(), kNames.end(), name);
  if (it == kNames.end()) return std::nullopt;
  return static_cast<Reason>(it - kNames.begin());
}

std::string quoted(std::string_view value) {
  std::string out;
  append_json_string(out, value.substr(0, kQuotedBytesMax));
  if (value.size() > kQuotedBytesMax) out += "...";
  return out;
}

}  // namespace adweave::event
