// SPDX-License-Identifier: Apache-2.0
// Money: an int64 count of nanos (10^-9) of a stated currency. A CPM price in micros is exactly a
// cost in nanos for one impression. Sums are 128-bit; nothing is ever held in floating point.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace adweave {

__extension__ typedef __int128 Int128;

inline constexpr int64_t kNanosPerUnit = 1'000'000'000;
// Largest amount an event can carry: DECIMAL(18,9), just under 10^9 units.
inline constexpr int64_t kMoneyMax = 999'999'999'999'999'999;

// How the number in a feed is to be read.
enum class MoneyUnit {
  unit,          // 1.25 is 1.25 of the currency
  per_thousand,  // a CPM price: 1.25 is 0.00125 of the currency for one impression
  micros,        // 1,000,000 is one unit
  cents,         // 100 is one unit
  nanos,         // 1,000,000,000 is one unit
};

// Reads a decimal number ("12.5", "-3", "1e-3") as nanos, exactly. Digits below a nano are rounded
// half to even. Null when the text is no number, or its absolute value is over kMoneyMax.
std::optional<int64_t> parse_money(std::string_view text, MoneyUnit unit = MoneyUnit::unit);

// The same of a whole number.
std::optional<int64_t> money_of(int64_t number, MoneyUnit unit);

// The same for any number: null when the text is none, or its absolute value is 10^19 or more.
std::optional<Int128> parse_nanos(std::string_view text, MoneyUnit unit = MoneyUnit::unit);

// Nanos as a decimal with nine digits after the point: 1250000000 -> "1.250000000".
std::string format_nanos(Int128 nanos);

// An upper-case ISO 4217 code that is in use ("EUR"); lower case is accepted as input elsewhere,
// not here.
bool is_currency(std::string_view code);

}  // namespace adweave
