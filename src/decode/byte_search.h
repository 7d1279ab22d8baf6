// SPDX-License-Identifier: Apache-2.0
// Finds the next byte out of a few, many at a time. Inside decode/ only.
#pragma once

#include <array>
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
  if (text.size() < sizeof(uint64_t)) {
    for (const char c : text) {
      if (c == byte) return true;
    }
    return false;
  }
  const auto is_in = [&](size_t at) {  // a byte is zero where they are equal
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    word ^= kOnes * static_cast<uint8_t>(byte);
    return ((word - kOnes) & ~word & kOnes << 7) != 0;
  };
  const size_t last = text.size() - sizeof(uint64_t);
  for (size_t at = 0; at < last; at += sizeof(uint64_t)) {
    if (is_in(at)) return true;
  }
  return is_in(last);
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

// The same for up to five bytes that stand close together: 64 bytes become one word of bits, and
// the next of them is the next bit. Offsets must not go back.
class ByteMarks {
 public:
  ByteMarks(std::string_view bytes, size_t at, const std::array<char, 5>& marks)
      : bytes_(bytes), marks_(marks), block_(at) {
    read_block();
  }

  // Offset of the first mark at or after `at`, or bytes.size().
  size_t find(size_t at) {
    while (at - block_ < kBlock) {
      const uint64_t rest = bits_ >> (at - block_);
      if (rest != 0) return at + static_cast<size_t>(std::countr_zero(rest));
      at = block_ += kBlock;
      if (at >= bytes_.size()) return bytes_.size();
      read_block();
    }
    block_ = at;  // the caller has gone further than a block
    if (at >= bytes_.size()) return bytes_.size();
    read_block();
    return find(at);
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
    uint64_t bits = 0;
#if defined(__SSE2__)
    for (size_t i = 0; i < kBlock; i += 16) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + i));
      __m128i found = _mm_setzero_si128();
      for (const char mark : marks_)
        found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(mark)));
      bits |= uint64_t{static_cast<unsigned>(_mm_movemask_epi8(found))} << i;
    }
#else
    for (size_t i = 0; i < kBlock; ++i) {
      bool found = false;
      for (const char mark : marks_) found |= block[i] == mark;
      bits |= uint64_t{found} << i;
    }
#endif
    return bits;
  }

  std::string_view bytes_;
  std::array<char, 5> marks_;
  size_t block_;  // offset of the block that `bits_` tells of
  uint64_t bits_ = 0;
};

}  // namespace adweave::decode
