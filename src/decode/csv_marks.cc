// SPDX-License-Identifier: Apache-2.0
#include "decode/csv_marks.h"

#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace adweave::decode {

namespace {

// Bit i is the parity of the bits 0 to i.
uint64_t parities(uint64_t bits) {
  bits ^= bits << 1;
  bits ^= bits << 2;
  bits ^= bits << 4;
  bits ^= bits << 8;
  bits ^= bits << 16;
  return bits ^ bits << 32;
}

constexpr size_t kBlock = 64;

// A bit for each byte of a block.
struct Found {
  uint64_t quotes = 0;
  uint64_t separators = 0;  // delimiters and line ends
  uint64_t line_ends = 0;
  uint64_t returns = 0;  // CR
};

#if defined(__SSE2__)

Found find(const char* block, char delimiter, char quote) {
  const __m128i delimiters = _mm_set1_epi8(delimiter);
  const __m128i quotes = _mm_set1_epi8(quote);
  const __m128i feeds = _mm_set1_epi8('\n');
  const __m128i returns = _mm_set1_epi8('\r');
  Found found;
  const auto sixteen = [&](size_t at) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + at));
    const auto bits_of = [&](__m128i equal) {
      return uint64_t{static_cast<unsigned>(_mm_movemask_epi8(equal))} << at;
    };
    const __m128i is_return = _mm_cmpeq_epi8(bytes, returns);
    const __m128i is_end = _mm_or_si128(_mm_cmpeq_epi8(bytes, feeds), is_return);
    found.returns |= bits_of(is_return);
    found.quotes |= bits_of(_mm_cmpeq_epi8(bytes, quotes));
    found.line_ends |= bits_of(is_end);
    found.separators |= bits_of(_mm_or_si128(_mm_cmpeq_epi8(bytes, delimiters), is_end));
  };
  sixteen(0);
  sixteen(16);
  sixteen(32);
  sixteen(48);
  return found;
}

#else

Found find(const char* block, char delimiter, char quote) {
  Found found;
  for (size_t i = 0; i < kBlock; ++i) {
    const bool end = is_line_end(block[i]);
    found.quotes |= uint64_t{block[i] == quote} << i;
    found.line_ends |= uint64_t{end} << i;
    found.separators |= uint64_t{end || block[i] == delimiter} << i;
    found.returns |= uint64_t{block[i] == '\r'} << i;
  }
  return found;
}

#endif

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
      lines_only_(of == Of::records) {}

void CsvMarks::restart(size_t begin) {
  next_block_ = begin;
  bits_ = within_ = closes_ = 0;
  opens_after_ = 1;
}

// False when its quoting is not regular, and at the end of the text.
bool CsvMarks::read_block() {
  if (next_block_ >= bytes_.size()) return false;
  const char* block = bytes_.data() + next_block_;
  const size_t left = bytes_.size() - next_block_;
  char last[kBlock];
  if (left < kBlock) {
    // Nothing stands out after the text, and a quote at its end may close.
    std::memset(last, delimiter_, kBlock);
    std::memcpy(last, block, left);
    block = last;
  }
  Found found = find(block, delimiter_, quote_);
  found.quotes &= quoting_;
  const uint64_t marks = found.separators | found.quotes;
  const uint64_t within = parities(found.quotes) ^ within_;
  const uint64_t opening = found.quotes & within;
  const uint64_t closing = found.quotes & ~within;
  const uint64_t may_open = marks << 1 | opens_after_;
  const uint64_t must_separate = closing << 1 | closes_;
  if (((opening & ~may_open) | (must_separate & ~marks)) != 0) return false;

  block_ = next_block_;
  next_block_ += kBlock;
  if ((opening & must_separate) != 0) doubled_before_ = next_block_;
  if ((found.line_ends & within) != 0) line_end_before_ = next_block_;
  bits_ = (lines_only_ ? found.line_ends : found.separators) & ~within;
  if (found.returns != 0) {  // of CR LF the LF is the mark
    const uint64_t feeds = found.line_ends & ~found.returns;
    const bool feed_follows = left > kBlock && block[kBlock] == '\n';
    bits_ &= ~(found.returns & (feeds >> 1 | uint64_t{feed_follows} << (kBlock - 1)));
  }
  if (left <= kBlock) {
    // Not what is beyond the text, nor a CR at its end: an LF may follow.
    if (left < kBlock) bits_ &= ~(~uint64_t{0} << left);
    if (block[left - 1] == '\r') bits_ &= ~(uint64_t{1} << (left - 1));
  }
  within_ = uint64_t{0} - (within >> 63);
  closes_ = closing >> 63;
  opens_after_ = marks >> 63;
  return true;
}

}  // namespace adweave::decode
