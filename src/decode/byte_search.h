// SPDX-License-Identifier: Apache-2.0
// Finds the next byte out of a few, sixteen at a time. Inside decode/ only.
#pragma once

#include <bit>
#include <cstddef>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace adweave::decode {

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

}  // namespace adweave::decode
