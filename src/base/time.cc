// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <bit>
#include <cstring>

#include <fmt/format.h>

namespace adweave {

namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kSecondsPerDay = 86'400;

int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

int days_in_month(int year, int month) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Takes exactly `count` digits at `at`; false leaves the text refused.
template <size_t count>
bool take_number(std::string_view text, size_t& at, int& out) {
  if (at + count > text.size()) return false;
  unsigned number = 0;
  bool digits = true;
  for (size_t i = 0; i < count; ++i) {
    const unsigned digit = static_cast<unsigned char>(text[at + i]) - unsigned{'0'};
    digits &= digit <= 9;
    number = number * 10 + digit;
  }
  at += count;
  out = static_cast<int>(number);
  return digits;
}

bool take(std::string_view text, size_t& at, char c) {
  if (at >= text.size() || text[at] != c) return false;
  ++at;
  return true;
}

// Eight characters read as one number, of which some must be digits and the others as they stand in
// a form, "0000-00-": saves 150 instructions a time.
class EightCharacters {
 public:
  struct Form {
    uint64_t characters = 0;
    uint64_t room = 0;  // what added to a wrong byte's difference sets its highest bit
    consteval explicit Form(const char (&form)[9]) {
      for (size_t i = 0; i < 8; ++i) {
        characters |= uint64_t{static_cast<unsigned char>(form[i])} << 8 * i;
        room |= uint64_t{form[i] == '0' ? 0x80U - 10 : 0x80U - 1} << 8 * i;
      }
    }
  };

  EightCharacters(const char* text, const Form& form) {
    uint64_t word = 0;
    std::memcpy(&word, text, sizeof word);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    word ^= form.characters;
    fit_ = (((word + form.room) | word) & 0x8080808080808080) == 0;
    pairs_ = word * 10 + (word >> 8);
  }

  bool fit() const { return fit_; }
  // The number of the two digits at `at`.
  int two(size_t at) const { return static_cast<int>(pairs_ >> 8 * at & 0xff); }

 private:
  bool fit_;
  uint64_t pairs_;
};

// The digits after "0.", of which those below a microsecond are cut off.
bool take_fraction(std::string_view text, size_t& at, int& microsecond) {
  constexpr size_t kDigits = 6;
  const size_t begin = at;
  // Six digits, as they mostly are, with the second and the point before them.
  if (text.size() > at + kDigits && !is_digit(text[at + kDigits])) {
    static constexpr EightCharacters::Form kForm("0.000000");
    if (const EightCharacters six(text.data() + at - 2, kForm); six.fit()) {
      microsecond = six.two(2) * 10'000 + six.two(4) * 100 + six.two(6);
      at += kDigits;
      return true;
    }
  }
  for (; at < text.size() && is_digit(text[at]); ++at) {
    if (at - begin < kDigits) microsecond = microsecond * 10 + (text[at] - '0');
  }
  for (size_t digits = at - begin; digits < kDigits; ++digits) microsecond *= 10;
  return at > begin;
}

// "Z", "+02:00", "-0530", "+02"; minutes east of Greenwich.
bool take_offset(std::string_view text, size_t& at, int& minutes) {
  if (take(text, at, 'Z') || take(text, at, 'z')) return true;
  const bool west = at < text.size() && text[at] == '-';
  if (!west && (at >= text.size() || text[at] != '+')) return false;
  ++at;
  int hour = 0;
  int minute = 0;
  if (!take_number<2>(text, at, hour)) return false;
  if (at < text.size()) {
    take(text, at, ':');
    if (!take_number<2>(text, at, minute)) return false;
  }
  if (hour > 23 || minute > 59) return false;
  minutes = (hour * 60 + minute) * (west ? -1 : 1);
  return true;
}

// "2023-11-01T10:00:00", as nearly all times begin, without asking at each character where the text
// ends.
bool take_whole_seconds(std::string_view text, size_t& at, CivilTime& t) {
  constexpr size_t kLength = 19;
  if (text.size() < kLength) return false;
  static constexpr EightCharacters::Form kDate("0000-00-");
  static constexpr EightCharacters::Form kTime("00:00:00");
  const EightCharacters date(text.data(), kDate);
  const EightCharacters time(text.data() + 11, kTime);
  const bool marks = text[10] == 'T' || text[10] == ' ' || text[10] == 't';
  t.day = (text[8] - '0') * 10 + text[9] - '0';
  t.year = date.two(0) * 100 + date.two(2);
  t.month = date.two(5);
  t.hour = time.two(0);
  t.minute = time.two(3);
  t.second = time.two(6);
  at = kLength;
  return marks && date.fit() && time.fit() && is_digit(text[8]) && is_digit(text[9]);
}

// "2023-11-01T10:00", "2023-11-01".
bool take_whole_minutes(std::string_view text, size_t& at, CivilTime& t) {
  t = CivilTime();
  at = 0;
  if (!take_number<4>(text, at, t.year) || !take(text, at, '-') ||
      !take_number<2>(text, at, t.month) || !take(text, at, '-') ||
      !take_number<2>(text, at, t.day)) {
    return false;
  }
  if (at == text.size()) return true;
  if (!take(text, at, 'T') && !take(text, at, ' ') && !take(text, at, 't')) return false;
  return take_number<2>(text, at, t.hour) && take(text, at, ':') &&
         take_number<2>(text, at, t.minute);
}

}  // namespace

int64_t days_from_civil(int year, int month, int day) {
  year -= month <= 2;
  const int64_t era = floor_div(year, 400);
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

CivilTime civil_from_micros(int64_t micros) {
  const int64_t days = floor_div(micros, kSecondsPerDay * kMicrosPerSecond);
  int64_t rest = micros - days * kSecondsPerDay * kMicrosPerSecond;
  const int64_t z = days + 719'468;
  const int64_t era = floor_div(z, 146'097);
  const int64_t doe = z - era * 146'097;
  const int64_t yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
  const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const int64_t mp = (5 * doy + 2) / 153;
  CivilTime time;
  time.day = static_cast<int>(doy - (153 * mp + 2) / 5 + 1);
  time.month = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
  time.year = static_cast<int>(yoe + era * 400 + (time.month <= 2 ? 1 : 0));
  time.microsecond = static_cast<int>(rest % kMicrosPerSecond);
  rest /= kMicrosPerSecond;
  time.hour = static_cast<int>(rest / 3600);
  time.minute = static_cast<int>(rest / 60 % 60);
  time.second = static_cast<int>(rest % 60);
  return time;
}

std::optional<int64_t> micros_from_civil(const CivilTime& t) {
  if (t.year < 0 || t.year > 9999 || t.month < 1 || t.month > 12) return std::nullopt;
  if (t.day < 1 || (t.day > 28 && t.day > days_in_month(t.year, t.month))) return std::nullopt;
  if (t.hour < 0 || t.hour > 23 || t.minute < 0 || t.minute > 59) return std::nullopt;
  if (t.second < 0 || t.second > 59 || t.microsecond < 0 || t.microsecond > 999'999) {
    return std::nullopt;
  }
  const int64_t seconds = days_from_civil(t.year, t.month, t.day) * kSecondsPerDay +
                          int64_t{t.hour} * 3600 + int64_t{t.minute} * 60 + t.second;
  return seconds * kMicrosPerSecond + t.microsecond;
}

int weekday_of(int64_t days) {
  const int64_t since_monday = (days + 3) % 7;  // 1970-01-01 was a Thursday
  return static_cast<int>(since_monday < 0 ? since_monday + 8 : since_monday + 1);
}

std::optional<ParsedTime> parse_iso_time(std::string_view text) {
  CivilTime t;
  size_t at = 0;
  if (take_whole_seconds(text, at, t)) {
    if (take(text, at, '.') && !take_fraction(text, at, t.microsecond)) return std::nullopt;
  } else if (!take_whole_minutes(text, at, t)) {
    return std::nullopt;
  }
  int offset_minutes = 0;
  const bool has_offset = at < text.size();
  if (has_offset && (!take_offset(text, at, offset_minutes) || at != text.size()))
    return std::nullopt;
  const auto micros = micros_from_civil(t);
  if (!micros) return std::nullopt;
  return ParsedTime{*micros - int64_t{offset_minutes} * 60 * kMicrosPerSecond, has_offset};
}

std::string format_time(int64_t micros) {
  const CivilTime t = civil_from_micros(micros);
  const std::string fraction = t.microsecond != 0 ? fmt::format(".{:06d}", t.microsecond) : "";
  return fmt::format("{:04d}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}{}Z", t.year, t.month, t.day, t.hour,
                     t.minute, t.second, fraction);
}

std::string format_date(int64_t micros) {
  const CivilTime t = civil_from_micros(micros);
  return fmt::format("{:04d}-{:02d}-{:02d}", t.year, t.month, t.day);
}

}  // namespace adweave
