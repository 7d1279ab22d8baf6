// SPDX-License-Identifier: Apache-2.0
// Finds the next byte out of a few, many at a time. Inside decode/ only.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace adweave::decode {

// Whether a short text has a byte, eight at a time: a call of memchr() takes longer.
inline bool has_byte(std::string_view text, char byte) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  const auto has = [&](uint64_t word) {  // a byte is zero where they are equal
    word ^= kOnes * static_cast<uint8_t>(byte);
    return ((word - kOnes) & ~word & kOnes << 7) != 0;
  };
  if (text.size() < sizeof(uint32_t)) {
    for (const char c : text) {
      if (c == byte) return true;
    }
    return false;
  }
  if (text.size() < sizeof(uint64_t)) {  // both ends make a word
    uint32_t first = 0;
    uint32_t second = 0;
    std::memcpy(&first, text.data(), sizeof first);
    std::memcpy(&second, text.data() + text.size() - sizeof second, sizeof second);
    return has(uint64_t{first} << 32 | second);
  }
  const auto is_in = [&](size_t at) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    return has(word);
  };
  const size_t last = text.size() - sizeof(uint64_t);
  for (size_t at = 0; at < last; at += sizeof(uint64_t)) {
    if (is_in(at)) return true;
  }
  return is_in(last);
}

inline bool is_ascii(std::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  const auto word_at = [&](size_t at) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    return word;
  };
  uint64_t bits = 0;
  if (text.size() < sizeof(uint64_t)) {
    for (const char c : text) bits |= static_cast<uint8_t>(c);
    return bits < 0x80;
  }
  const size_t last = text.size() - sizeof(uint64_t);
  for (size_t at = 0; at < last; at += sizeof(uint64_t)) bits |= word_at(at);
  return ((bits | word_at(last)) & kHighBits) == 0;
}

// Whether `size` bytes are the same: of short texts, without a call.
inline bool same_bytes(const char* a, const char* b, size_t size) {
  const auto differ = [&](size_t at) {
    uint64_t left = 0;
    uint64_t right = 0;
    std::memcpy(&left, a + at, sizeof left);
    std::memcpy(&right, b + at, sizeof right);
    return left != right;
  };
  if (size < sizeof(uint64_t)) {
    for (size_t i = 0; i < size; ++i) {
      if (a[i] != b[i]) return false;
    }
    return true;
  }
  const size_t last = size - sizeof(uint64_t);
  for (size_t at = 0; at < last; at += sizeof(uint64_t)) {
    if (differ(at)) return false;
  }
  return !differ(last);
}

// Three bytes to stop at; some may be equal.
class ByteSearch {
 public:
  ByteSearch(char a, char b, char c) : a_(a), b_(b), c_(c) {}

  // Offset of the first of them at or after `at`, or bytes.size().
  size_t find(std::string_view bytes, size_t at) const {
#if defined(__SSE2__)
    constexpr size_t kBlock = 16;
    const __m128i a = _mm_set1_epi8(a_);
    const __m128i b = _mm_set1_epi8(b_);
    const __m128i c = _mm_set1_epi8(c_);
    for (; at + kBlock <= bytes.size(); at += kBlock) {
      const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes.data() + at));
      const __m128i stops =
          _mm_or_si128(_mm_cmpeq_epi8(block, a),
                       _mm_or_si128(_mm_cmpeq_epi8(block, b), _mm_cmpeq_epi8(block, c)));
      const auto mask = static_cast<unsigned>(_mm_movemask_epi8(stops));
      if (mask != 0) return at + static_cast<size_t>(std::countr_zero(mask));
    }
#endif
    while (at < bytes.size() && bytes[at] != a_ && bytes[at] != b_ && bytes[at] != c_) ++at;
    return at;
  }

 private:
  char a_;
  char b_;
  char c_;
};

// All of a few bytes, one after the other: 64 bytes become one word of bits, and the next of them
// is the next bit. For bytes that stand close together.
class ByteMarks {
 public:
  // Line ends, and three more; some may be equal.
  struct Bytes {
    char a, b, c;
  };
  ByteMarks(std::string_view bytes, size_t at, const Bytes& marks)
      : bytes_(bytes), marks_(marks), block_(at) {
    read_block();
  }

  // Offset of the next mark, or bytes.size().
  size_t next() {
    while (bits_ == 0) {
      if (bytes_.size() - block_ <= kBlock) return bytes_.size();
      block_ += kBlock;
      read_block();
    }
    const size_t at = block_ + static_cast<size_t>(std::countr_zero(bits_));
    bits_ &= bits_ - 1;
    return at;
  }

 private:
  static constexpr size_t kBlock = 64;

  void read_block() {
    const size_t left = bytes_.size() - block_;
    if (left >= kBlock) {
      bits_ = marks_of(bytes_.data() + block_);
      return;
    }
    char last[kBlock] = {};
    std::memcpy(last, bytes_.data() + block_, left);
    bits_ = marks_of(last) & ~(~uint64_t{0} << left);
  }

  uint64_t marks_of(const char* block) const {
#if defined(__SSE2__)
    const __m128i line_feed = _mm_set1_epi8('\n');
    const __m128i carriage_return = _mm_set1_epi8('\r');
    const __m128i a = _mm_set1_epi8(marks_.a);
    const __m128i b = _mm_set1_epi8(marks_.b);
    const __m128i c = _mm_set1_epi8(marks_.c);
    const auto sixteen = [&](size_t at) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + at));
      const __m128i ends =
          _mm_or_si128(_mm_cmpeq_epi8(bytes, line_feed), _mm_cmpeq_epi8(bytes, carriage_return));
      const __m128i found =
          _mm_or_si128(_mm_or_si128(ends, _mm_cmpeq_epi8(bytes, a)),
                       _mm_or_si128(_mm_cmpeq_epi8(bytes, b), _mm_cmpeq_epi8(bytes, c)));
      return uint64_t{static_cast<unsigned>(_mm_movemask_epi8(found))} << at;
    };
    return sixteen(0) | sixteen(16) | sixteen(32) | sixteen(48);
#else
    uint64_t bits = 0;
    for (size_t i = 0; i < kBlock; ++i) {
      const char byte = block[i];
      const bool found =
          byte == '\n' || byte == '\r' || byte == marks_.a || byte == marks_.b || byte == marks_.c;
      bits |= uint64_t{found} << i;
    }
    return bits;
#endif
  }

  std::string_view bytes_;
  Bytes marks_;
  size_t block_;       // offset of the block that is read
  uint64_t bits_ = 0;  // its marks that have not been given
};

}  // namespace adweave::decode
