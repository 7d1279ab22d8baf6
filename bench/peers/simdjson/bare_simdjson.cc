// SPDX-License-Identifier: Apache-2.0
// The least that reading impressions costs: simdjson's On-Demand over the lines of files, every
// value read and validated, times and money converted, all of it put into plain columns. No
// mapping, no slices, no rejects. Output as adweave_stages decode.
//
// With --unchecked as the first word it validates only what it cannot read otherwise: keys are
// compared as they stand, a price is what its digits say, and what follows the object is not
// looked at.
#include <cstring>
#include <fstream>
#include <iostream>

#include <simdjson.h>

namespace {

using simdjson::ondemand::value;
__extension__ typedef __int128 Int128;

struct TextColumn {
  std::string bytes;
  std::vector<uint32_t> ends;
  int64_t values = 0;

  void put(std::string_view text) {
    bytes.append(text);
    ++values;
  }
  void end_row() { ends.push_back(static_cast<uint32_t>(bytes.size())); }
};

struct NumberColumn {
  std::vector<int64_t> numbers;
  int64_t values = 0;
};

struct Row {
  std::string_view id, user, creative, website, auction, currency, user_agent;
  int64_t time = 0, cost = 0, viewable = -1, time_on_ad = -1, interactions = -1;
  bool has_time = false;
};

struct Columns {
  TextColumn id, user, creative, website, auction, currency, user_agent;
  NumberColumn time, cost, viewable, time_on_ad, interactions;
  int64_t rows = 0;
};

bool digits(const char* text, int count, int64_t& number) {
  number = 0;
  for (int i = 0; i < count; ++i) {
    const unsigned digit = static_cast<unsigned char>(text[i]) - unsigned{'0'};
    if (digit > 9) return false;
    number = number * 10 + digit;
  }
  return true;
}

int64_t days_from_civil(int64_t y, int64_t m, int64_t d) {  // Howard Hinnant's
  y -= m <= 2;
  const int64_t era = y / 400, yoe = y - era * 400;
  const int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

// "2023-11-01T13:00:00.123456+01:00"
bool parse_time(std::string_view text, int64_t& micros) {
  int64_t y, mo, d, h, mi, s, fraction = 0;
  if (text.size() < 20) return false;
  const char* t = text.data();
  if (!digits(t, 4, y) || !digits(t + 5, 2, mo) || !digits(t + 8, 2, d) || !digits(t + 11, 2, h) ||
      !digits(t + 14, 2, mi) || !digits(t + 17, 2, s) || t[4] != '-' || t[7] != '-' || t[10] != 'T')
    return false;
  if (mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 || mi > 59 || s > 59) return false;
  size_t at = 19;
  if (t[at] == '.') {
    int64_t scale = 100'000;
    for (++at; at < text.size() && t[at] >= '0' && t[at] <= '9'; ++at, scale /= 10)
      fraction += (t[at] - '0') * scale;
  }
  int64_t offset = 0;
  if (at + 6 == text.size()) {
    int64_t oh, om;
    if (!digits(t + at + 1, 2, oh) || !digits(t + at + 4, 2, om)) return false;
    offset = (oh * 60 + om) * (t[at] == '-' ? -60 : 60);
  } else if (at + 1 != text.size() || t[at] != 'Z') {
    return false;
  }
  micros =
      (days_from_civil(y, mo, d) * 86400 + h * 3600 + mi * 60 + s - offset) * 1'000'000 + fraction;
  return true;
}

// Exact, from the number's text: prices for a thousand to nanos for one.
bool parse_money(std::string_view text, int64_t& nanos) {
  const bool negative = text.starts_with('-');
  int64_t number = 0;
  int places = -1;
  for (const char c : text.substr(negative ? 1 : 0)) {
    if (c == '.' && places < 0) {
      places = 0;
    } else if (c >= '0' && c <= '9') {
      number = number * 10 + (c - '0');
      if (places >= 0) ++places;
    } else {
      break;  // simdjson has checked the number; blanks may follow it
    }
  }
  for (int i = places < 0 ? 0 : places; i < 6; ++i) number *= 10;
  nanos = number;
  return !negative;
}

// The currencies of the feed.
bool is_currency(std::string_view code) {
  return code == "EUR" || code == "USD" || code == "GBP" || code == "JPY" || code == "AUD";
}

template <bool kChecked>
bool read_row(simdjson::ondemand::document& document, Row& row) {
  for (auto field : document.get_object()) {
    std::string_view key = kChecked ? field.unescaped_key().value() : field.escaped_key().value();
    value v = field.value().value();
    switch (key[0]) {
      case 'i':
        if (key == "impression_id")
          row.id = v.get_string().value();
        else
          row.interactions = v.get_int64().value();
        break;
      case 't':
        if (key == "timestamp")
          row.has_time = parse_time(v.get_string().value(), row.time);
        else
          row.time_on_ad = v.get_int64().value();
        break;
      case 'u':
        if (key == "user_agent")
          row.user_agent = v.get_string().value();
        else if (!v.is_null().value() && v.type().value() == simdjson::ondemand::json_type::string)
          row.user = v.get_string().value();
        break;
      case 'c':
        if (key == "creative_id")
          row.creative = v.get_string().value();
        else if (key == "currency")
          row.currency = v.get_string().value();
        break;
      case 'w':
        row.website = v.get_string().value();
        break;
      case 'a':
        row.auction = v.get_string().value();
        break;
      case 'p': {
        if constexpr (kChecked) static_cast<void>(v.get_double().value());
        if (!parse_money(v.raw_json_token(), row.cost)) return false;
        break;
      }
      case 'v':
        row.viewable = v.get_bool().value();
        break;
    }
  }
  return row.has_time && (!kChecked || (is_currency(row.currency) && document.at_end()));
}

void put(TextColumn& column, std::string_view text) {
  if (!text.empty()) column.put(text);
  column.end_row();
}
void put(NumberColumn& column, int64_t number, bool has) {
  column.numbers.push_back(has ? number : 0);
  column.values += has;
}

void put(Columns& columns, const Row& row) {
  put(columns.id, row.id);
  put(columns.user, row.user);
  put(columns.creative, row.creative);
  put(columns.website, row.website);
  put(columns.auction, row.auction);
  put(columns.currency, row.currency);
  put(columns.user_agent, row.user_agent);
  put(columns.time, row.time, true);
  put(columns.cost, row.cost, true);
  put(columns.viewable, row.viewable, row.viewable >= 0);
  put(columns.time_on_ad, row.time_on_ad, row.time_on_ad >= 0);
  put(columns.interactions, row.interactions, row.interactions >= 0);
  ++columns.rows;
}

template <bool kChecked>
void read_file(const char* path, Columns& columns) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const auto size = static_cast<size_t>(file.tellg());
  std::string text(size + simdjson::SIMDJSON_PADDING, '\0');
  file.seekg(0);
  file.read(text.data(), static_cast<std::streamsize>(size));
  simdjson::ondemand::parser parser;
  for (size_t begin = 0; begin < size;) {
    const void* found = std::memchr(text.data() + begin, '\n', size - begin);
    const size_t end =
        found ? static_cast<size_t>(static_cast<const char*>(found) - text.data()) : size;
    try {
      auto document = parser.iterate(text.data() + begin, end - begin, text.size() - begin).value();
      Row row;
      if (read_row<kChecked>(document, row)) put(columns, row);
    } catch (const simdjson::simdjson_error&) {  // a broken line loses only itself
    }
    begin = end + 1;
  }
}

void print(const char* name, const TextColumn& c) {
  std::cout << name << " " << c.values << " " << c.bytes.size() << "\n";
}
void print(const char* name, const NumberColumn& c) {
  Int128 sum = 0;
  for (const int64_t number : c.numbers) sum += number;
  std::string text;
  for (; sum > 0; sum /= 10)
    text.insert(text.begin(), static_cast<char>('0' + static_cast<int>(sum % 10)));
  std::cout << name << " " << c.values << " " << text << "\n";
}

}  // namespace

int main(int count, char** paths) {
  Columns c;
  const bool checked = count < 2 || std::string_view(paths[1]) != "--unchecked";
  for (int i = checked ? 1 : 2; i < count; ++i) {
    if (checked)
      read_file<true>(paths[i], c);
    else
      read_file<false>(paths[i], c);
  }
  std::cout << "rows " << c.rows << "\n";
  print("auction_id", c.auction);
  print("cost", c.cost);
  print("creative_id", c.creative);
  print("currency", c.currency);
  print("event_id", c.id);
  print("event_time", c.time);
  print("interactions", c.interactions);
  print("time_on_ad_ms", c.time_on_ad);
  print("user_agent", c.user_agent);
  print("user_id", c.user);
  print("viewable", c.viewable);
  print("website", c.website);
}
