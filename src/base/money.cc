// SPDX-License-Identifier: Apache-2.0
#include "base/money.h"

#include <algorithm>
#include <array>
#include <bitset>

namespace adweave {

namespace {

// Digits and exponent of a decimal number: value = digits * 10^exponent.
struct Decimal {
  bool negative = false;
  std::string digits;  // no leading zeros
  int exponent = 0;
};

constexpr int kNanosDigitsMax = 28;  // of an Int128 with room to add
constexpr int kExponentMax = 400;    // beyond any double; bounds the arithmetic below

size_t take_digits(std::string_view text, size_t at, std::string& digits) {
  const size_t begin = at;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
    if (!digits.empty() || text[at] != '0') digits.push_back(text[at]);
    ++at;
  }
  return at - begin;
}

std::optional<int> take_exponent(std::string_view text, size_t& at) {
  bool negative = false;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) negative = text[at++] == '-';
  if (at == text.size()) return std::nullopt;
  int value = 0;
  for (; at < text.size(); ++at) {
    if (text[at] < '0' || text[at] > '9') return std::nullopt;
    value = std::min(value * 10 + (text[at] - '0'), kExponentMax);
  }
  return negative ? -value : value;
}

std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal decimal;
  size_t at = 0;
  if (at < text.size() && (text[at] == '-' || text[at] == '+'))
    decimal.negative = text[at++] == '-';
  size_t count = take_digits(text, at, decimal.digits);
  at += count;
  if (at < text.size() && text[at] == '.') {
    ++at;
    const size_t fraction = take_digits(text, at, decimal.digits);
    decimal.exponent = -static_cast<int>(std::min<size_t>(fraction, 1'000'000));
    at += fraction;
    count += fraction;
  }
  if (count == 0) return std::nullopt;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    const auto exponent = take_exponent(text, at);
    if (!exponent) return std::nullopt;
    decimal.exponent += *exponent;
  }
  if (at != text.size()) return std::nullopt;
  return decimal;
}

int nanos_exponent(MoneyUnit unit) {
  switch (unit) {
    case MoneyUnit::unit:
      return 9;
    case MoneyUnit::per_thousand:
      return 6;
    case MoneyUnit::micros:
      return 3;
    case MoneyUnit::cents:
      return 7;
    case MoneyUnit::nanos:
      return 0;
  }
  return 9;
}

// Whether the digits from `keep` on, cut off, round the kept number up (half to even).
bool rounds_up(const std::string& digits, size_t keep) {
  const bool odd = keep > 0 && (digits[keep - 1] - '0') % 2 == 1;
  if (digits[keep] != '5') return digits[keep] > '5';
  const bool exact_half = digits.find_first_not_of('0', keep + 1) == std::string::npos;
  return !exact_half || odd;
}

// number * 10^zeros; null when it does not fit.
std::optional<int64_t> with_zeros(int64_t number, int zeros) {
  static constexpr int64_t kPowers[] = {1,       10,        100,        1'000,       10'000,
                                        100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};
  int64_t product = 0;
  if (__builtin_mul_overflow(number, kPowers[zeros], &product)) return std::nullopt;
  return product;
}

// A plain amount that needs no rounding, as nearly all are: "12.5". Null: read it with care. Half
// the instructions of reading money were the string of its digits.
std::optional<int64_t> parse_plain(std::string_view text, MoneyUnit unit) {
  constexpr size_t kDigitsMax = 18;
  if (text.size() > kDigitsMax + 1) return std::nullopt;
  int64_t number = 0;
  size_t digits = 0;
  size_t before_point = 0;
  bool point = false;
  for (const char c : text) {
    const unsigned digit = static_cast<unsigned char>(c) - unsigned{'0'};
    if (digit <= 9) {
      number = number * 10 + digit;
      ++digits;
    } else if (c == '.' && !point) {
      point = true;
      before_point = digits;
    } else {
      return std::nullopt;
    }
  }
  const int zeros = nanos_exponent(unit) - (point ? static_cast<int>(digits - before_point) : 0);
  if (digits == 0 || digits > kDigitsMax || zeros < 0) return std::nullopt;
  return with_zeros(number, zeros);
}

}  // namespace

std::optional<Int128> parse_nanos(std::string_view text, MoneyUnit unit) {
  const auto decimal = parse_decimal(text);
  if (!decimal) return std::nullopt;
  if (decimal->digits.empty()) return 0;
  const int exponent = decimal->exponent + nanos_exponent(unit);
  const auto length = static_cast<int64_t>(decimal->digits.size());
  if (length + exponent > kNanosDigitsMax) return std::nullopt;
  if (length + exponent < 0) return 0;
  const auto keep = static_cast<size_t>(std::min<int64_t>(length, length + exponent));
  Int128 nanos = 0;
  for (size_t i = 0; i < keep; ++i) nanos = nanos * 10 + (decimal->digits[i] - '0');
  for (int i = 0; i < exponent; ++i) nanos *= 10;
  if (keep < decimal->digits.size() && rounds_up(decimal->digits, keep)) ++nanos;
  return decimal->negative ? -nanos : nanos;
}

std::optional<int64_t> parse_money(std::string_view text, MoneyUnit unit) {
  if (const auto plain = parse_plain(text, unit); plain && *plain <= kMoneyMax) return plain;
  const std::optional<Int128> nanos = parse_nanos(text, unit);
  if (!nanos || *nanos > kMoneyMax || *nanos < -kMoneyMax) return std::nullopt;
  return static_cast<int64_t>(*nanos);
}

std::optional<int64_t> money_of(int64_t number, MoneyUnit unit) {
  const std::optional<int64_t> nanos = with_zeros(number, nanos_exponent(unit));
  if (!nanos || *nanos > kMoneyMax || *nanos < -kMoneyMax) return std::nullopt;
  return nanos;
}

std::string format_nanos(Int128 nanos) {
  const bool negative = nanos < 0;
  std::string text;
  Int128 rest = nanos;
  for (int i = 0; i < 10 || rest != 0; ++i) {
    if (i == 9) text.push_back('.');
    const int digit = static_cast<int>(rest % 10);
    text.push_back(static_cast<char>('0' + (negative ? -digit : digit)));
    rest /= 10;
  }
  if (negative) text.push_back('-');
  std::reverse(text.begin(), text.end());
  return text;
}

bool is_currency(std::string_view code) {
  // ISO 4217 list one (active codes).
  static constexpr auto kCodes = std::to_array<std::string_view>({
      "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN",
      "BHD", "BIF", "BMD", "BND", "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD",
      "CDF", "CHE", "CHF", "CHW", "CLF", "CLP", "CNY", "COP", "COU", "CRC", "CUP", "CVE", "CZK",
      "DJF", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS",
      "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IQD",
      "IRR", "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW", "KRW", "KWD", "KYD",
      "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT",
      "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK",
      "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "PYG", "QAR", "RON", "RSD",
      "RUB", "RWF", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP",
      "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TND", "TOP", "TRY", "TTD", "TWD", "TZS",
      "UAH", "UGX", "USD", "USN", "UYI", "UYU", "UYW", "UZS", "VED", "VES", "VND", "VUV", "WST",
      "XAF", "XCD", "XCG", "XOF", "XPF", "YER", "ZAR", "ZMW", "ZWG",
  });
  const auto number = [](std::string_view three) {
    size_t n = 0;
    for (const char letter : three) n = n * 26 + static_cast<size_t>(letter - 'A');
    return n;
  };
  static const auto known = [&] {
    std::bitset<size_t{26} * 26 * 26> bits;
    for (const std::string_view three : kCodes) bits.set(number(three));
    return bits;
  }();
  const bool three_letters = code.size() == 3 && std::all_of(code.begin(), code.end(), [](char c) {
                               return c >= 'A' && c <= 'Z';
                             });
  return three_letters && known[number(code)];
}

}  // namespace adweave
