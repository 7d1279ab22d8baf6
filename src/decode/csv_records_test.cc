// SPDX-License-Identifier: Apache-2.0
// CsvRecords and find_csv_cut() against CsvScanner, which reads byte by byte what they read by
// blocks.
#include "decode/csv_records.h"

#include <gtest/gtest.h>

namespace adweave::decode {
namespace {

constexpr int64_t kBytesMax = 70;

std::string show(const CsvRecord& record) {
  std::string text = std::to_string(record.end) + "/" + std::to_string(record.length);
  for (const std::string_view field : record.fields) text.append("[").append(field).append("]");
  return text + record.problem.value_or("");
}

void expect_as_the_scanner(const CsvDialect& dialect, const std::string& text) {
  CsvScanner scanner(dialect, kBytesMax);
  CsvRecords records(dialect, kBytesMax, text);
  std::vector<size_t> ends;
  for (size_t begin = 0; begin < text.size(); begin = ends.back()) {
    const CsvRecord& expected = *scanner.next(text, begin, true);
    ends.push_back(expected.end);
    ASSERT_EQ(show(expected), show(*records.next(begin))) << text;
  }
  for (size_t target = 1; target <= text.size(); ++target) {
    const auto end = std::lower_bound(ends.begin(), ends.end(), target);
    ASSERT_EQ(find_csv_cut(dialect, kBytesMax, text, target, true), *end) << target << text;
  }
}

// Calls f with each text of `length` characters out of `alphabet`.
template <class F>
void for_each_text(std::string_view alphabet, size_t length, F&& f) {
  size_t texts = 1;
  for (size_t i = 0; i < length; ++i) texts *= alphabet.size();
  for (size_t number = 0; number < texts; ++number) {
    std::string text;
    for (size_t rest = number; text.size() < length; rest /= alphabet.size())
      text += alphabet[rest % alphabet.size()];
    f(text);
  }
}

TEST(CsvRecords, AreWhatTheScannerReadsWhereverABlockEnds) {
  for (const size_t before : {0U, 60U, 62U}) {
    const std::string begin = before == 0 ? "" : "\"" + std::string(before - 3, 'b') + "\",";
    for_each_text("a\",\n\r", 6, [&](const std::string& text) {
      expect_as_the_scanner({}, begin + text);
      expect_as_the_scanner({}, begin + text + "\nc,\"d\"\n");
    });
  }
}

TEST(CsvRecords, AreWhatTheScannerReadsInOtherDialects) {
  CsvDialect unquoted;
  unquoted.quote.reset();
  CsvDialect escaped;
  escaped.escape = '\\';
  CsvDialect commented;
  commented.comment = '#';
  for (const CsvDialect& dialect : {unquoted, escaped, commented}) {
    for_each_text("a\",\n\\#", 5, [&](const std::string& text) {
      expect_as_the_scanner(dialect, text + "\nc,\"d\"\n");
    });
  }
}

TEST(CsvRecords, OverALimitAreWhatTheScannerReads) {
  for (const std::string& text :
       {"\"" + std::string(80, 'x') + "\",a\nb,c\n", "\"" + std::string(50, '\n') + "\",a\nb,c\n",
        "\"x\n" + std::string(80, 'x') + "\",a\nb,c\n", std::string(5000, ',') + "\nb,c\n",
        "\"\n\"" + std::string(5000, ',') + "\nb,c\n"}) {
    expect_as_the_scanner({}, text);
  }
}

TEST(CsvCut, AsksForMoreWhereARecordMayGoOn) {
  const std::string text = "a,\"b\nc\"\r\nd,e\r\n";
  for (size_t length = 0; length < text.size(); ++length) {
    const std::string_view part = std::string_view(text).substr(0, length);
    EXPECT_EQ(find_csv_cut({}, kBytesMax, part, text.size(), false), std::nullopt) << length;
  }
  EXPECT_EQ(find_csv_cut({}, kBytesMax, text, text.size(), false), text.size());
}

}  // namespace
}  // namespace adweave::decode
