// SPDX-License-Identifier: Apache-2.0
#include "event/reject.h"

#include <algorithm>
#include <array>

#include "base/json.h"

namespace adweave::event {

namespace {
constexpr std::array<std::string_view, 19> kNames = {"malformed",
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
                                                     "quarantined"};
static_assert(kNames.size() == static_cast<size_t>(Reason::quarantined) + 1);
constexpr size_t kQuotedBytesMax = 100;
}  // namespace

std::string_view reason_name(Reason reason) {
  return kNames[static_cast<size_t>(reason)];
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
