// SPDX-License-Identifier: Apache-2.0
#include "decode/csv_marks.h"

#include <algorithm>

namespace adweave::decode {

namespace {

bool is_line_end(char c) {
  return c == '\n' || c == '\r';
}

// Bit i is the parity of the bits 0 to i.
uint64_t parities(uint64_t bits) {
  for (int by = 1; by < 64; by *= 2) bits ^= bits << by;
  return bits;
}

}  // namespace

bool CsvMarks::serve(const CsvDialect& dialect) {
  const char quote = dialect.quote.value_or('"');
  return !dialect.comment && dialect.escape.value_or(quote) == quote &&
         quote != dialect.delimiter && !is_line_end(quote) && !is_line_end(dialect.delimiter);
}

CsvMarks::CsvMarks(const CsvDialect& dialect, Of of, std::string_view bytes)
    : bytes_(bytes),
      delimiter_(dialect.delimiter),
      quote_(dialect.quote.value_or('"')),
      quoting_(dialect.quote ? ~uint64_t{0} : 0),
      given_(of == Of::fields ? ~uint64_t{0} : 0) {}

void CsvMarks::restart(size_t begin) {
  next_block_ = begin;
  bits_ = within_ = closes_ = 0;
  opens_after_ = 1;
}

// False when its quoting is not regular, and at the end of the text.
bool CsvMarks::read_block() {
  constexpr size_t kSize = ByteBlock::kSize;
  if (next_block_ >= bytes_.size()) return false;
  const char* begin = bytes_.data() + next_block_;
  const size_t left = bytes_.size() - next_block_;
  char last[kSize];
  if (left < kSize) {
    // Nothing there stands out, and a quote before it may close.
    std::memset(last, delimiter_, kSize);
    std::memcpy(last, begin, left);
    begin = last;
  }
  const ByteBlock block(begin);
  const uint64_t quotes = block.places_of(quote_) & quoting_;
  const uint64_t delimiters = block.places_of(delimiter_);
  const uint64_t feeds = block.places_of('\n');
  uint64_t returns = block.places_of('\r');
  const uint64_t separators = delimiters | feeds | returns;

  const uint64_t within = parities(quotes) ^ within_;
  const uint64_t opening = quotes & within;
  const uint64_t closing = quotes & ~within;
  const uint64_t after_open = (separators | quotes) << 1 | opens_after_;
  const uint64_t after_close = closing << 1 | closes_;
  if (((opening & ~after_open) | (after_close & ~(separators | quotes))) != 0) return false;

  const uint64_t is_doubled = opening & (quotes << 1 | closes_);
  if (is_doubled != 0) doubled_before_ = next_block_ + kSize;
  if (((feeds | returns) & within) != 0) line_end_before_ = next_block_ + kSize;

  if (returns != 0) {  // of CR LF the LF is the mark; a CR that ends the text may go on
    const bool feed_follows = left > kSize && begin[kSize] == '\n';
    const uint64_t last_byte = left <= kSize ? uint64_t{1} << (left - 1) : 0;
    returns &= ~(feeds >> 1 | uint64_t{feed_follows} << 63 | last_byte);
  }
  bits_ = ((delimiters & given_) | feeds | returns) & ~within;
  if (left < kSize) bits_ &= ~(~uint64_t{0} << left);
  within_ = (within >> 63) * ~uint64_t{0};
  closes_ = closing >> 63;
  opens_after_ = (separators | quotes) >> 63;
  block_ = next_block_;
  next_block_ += kSize;
  return true;
}

}  // namespace adweave::decode
