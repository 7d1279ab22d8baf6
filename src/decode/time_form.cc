// SPDX-License-Identifier: Apache-2.0
#include "decode/time_form.h"

#include <array>
#include <charconv>

#include "base/limits.h"
#include "base/time.h"

namespace adweave::decode {

namespace {

constexpr std::string_view kLetters = "YmdebHMSfz%";
constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};

// Reads civil times by a pattern, from left to right.
class PatternReader {
 public:
  explicit PatternReader(std::string_view text) : rest_(text) {}

  bool read(std::string_view pattern) {
    for (size_t i = 0; i < pattern.size(); ++i) {
      const bool field = pattern[i] == '%' && i + 1 < pattern.size();
      if (!(field ? read_field(pattern[++i]) : read_literal(pattern[i]))) return false;
    }
    return rest_.empty();
  }

  std::optional<int64_t> micros(const TimeZone& zone) const {
    const std::optional<int64_t> civil = micros_from_civil(time_);
    if (!civil) return std::nullopt;
    return offset_us_ ? *civil - *offset_us_ : zone.to_utc(*civil);
  }

 private:
  bool read_literal(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool read_digits(int most, int& out) {
    size_t count = 0;
    out = 0;
    while (count < static_cast<size_t>(most) && count < rest_.size() && rest_[count] >= '0' &&
           rest_[count] <= '9') {
      out = out * 10 + (rest_[count++] - '0');
    }
    rest_.remove_prefix(count);
    return count > 0;
  }

  bool read_month() {
    if (rest_.size() < 3) return false;
    std::string name(rest_.substr(0, 3));
    for (char& c : name) c = static_cast<char>(c | 0x20);
    rest_.remove_prefix(3);
    for (size_t i = 0; i < kMonths.size(); ++i) {
      if (kMonths[i] == name) return time_.month = static_cast<int>(i) + 1, true;
    }
    return false;
  }

  bool read_fraction() {
    int unit = 100'000;
    size_t count = 0;
    for (; count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9';
         ++count, unit /= 10) {
      time_.microsecond += (rest_[count] - '0') * unit;
    }
    rest_.remove_prefix(count);
    return count > 0 && count <= 9;
  }

  bool read_offset() {
    if (read_literal('Z')) return offset_us_ = 0, true;
    const bool negative = !rest_.empty() && rest_.front() == '-';
    int hours = 0;
    int minutes = 0;
    if (!read_literal(negative ? '-' : '+') || !read_digits(2, hours)) return false;
    read_literal(':');
    if (!read_digits(2, minutes) || hours > 18 || minutes > 59) return false;
    const int64_t seconds = hours * 3600 + minutes * 60;
    offset_us_ = (negative ? -seconds : seconds) * limits::kSecondUs;
    return true;
  }

  bool read_field(char letter) {
    switch (letter) {
      case 'Y':
        return read_digits(4, time_.year);
      case 'm':
        return read_digits(2, time_.month);
      case 'e':
        read_literal(' ');
        return read_digits(2, time_.day);
      case 'd':
        return read_digits(2, time_.day);
      case 'b':
        return read_month();
      case 'H':
        return read_digits(2, time_.hour);
      case 'M':
        return read_digits(2, time_.minute);
      case 'S':
        return read_digits(2, time_.second);
      case 'f':
        return read_fraction();
      case 'z':
        return read_offset();
      default:
        return read_literal('%');
    }
  }

  std::string_view rest_;
  CivilTime time_;
  std::optional<int64_t> offset_us_;
};

std::optional<int64_t> parse_epoch(std::string_view text, int64_t per_second) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  int64_t fraction_us = 0;
  if (end != text.data() + text.size()) {  // "1698832800.25": a fraction of seconds
    if (per_second != 1 || *end != '.') return std::nullopt;
    int64_t unit = 100'000;
    for (const char* c = end + 1; c != text.data() + text.size(); ++c, unit /= 10) {
      if (*c < '0' || *c > '9') return std::nullopt;
      fraction_us += (*c - '0') * unit;
    }
  }
  const int64_t earliest = limits::kEventTimeMin / limits::kSecondUs;
  if (number / per_second < earliest || number / per_second >= limits::kEpochSecondMax)
    return std::nullopt;
  const int64_t micros = per_second <= limits::kSecondUs
                             ? number * (limits::kSecondUs / per_second)
                             : number / (per_second / limits::kSecondUs);
  return micros + fraction_us;
}

}  // namespace

std::optional<int64_t> parse_time(const TimeForm& form, std::string_view text,
                                  const TimeZone& zone) {
  switch (form.kind) {
    case TimeForm::Kind::iso: {
      const std::optional<ParsedTime> time = parse_iso_time(text);
      if (!time) return std::nullopt;
      return time->has_offset ? time->micros : zone.to_utc(time->micros);
    }
    case TimeForm::Kind::pattern: {
      PatternReader reader(text);
      return reader.read(form.pattern) ? reader.micros(zone) : std::nullopt;
    }
    case TimeForm::Kind::epoch_s:
      return parse_epoch(text, 1);
    case TimeForm::Kind::epoch_ms:
      return parse_epoch(text, 1'000);
    case TimeForm::Kind::epoch_us:
      return parse_epoch(text, 1'000'000);
    case TimeForm::Kind::epoch_ns:
      return parse_epoch(text, 1'000'000'000);
  }
  return std::nullopt;
}

std::optional<std::string> check_pattern(std::string_view pattern) {
  bool year = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') continue;
    if (i + 1 == pattern.size() || kLetters.find(pattern[i + 1]) == std::string_view::npos) {
      return "'" + std::string(pattern.substr(i, 2)) +
             "' is no time field; there are %Y %m %d %e %b %H %M %S %f %z %%";
    }
    year = year || pattern[++i] == 'Y';
  }
  if (!year) return "it has no year (%Y)";
  return std::nullopt;
}

}  // namespace adweave::decode
