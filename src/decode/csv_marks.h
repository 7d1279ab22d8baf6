// SPDX-License-Identifier: Apache-2.0
// Finds the ends of CSV fields or records 64 bytes at a time: a byte is within quotes when the
// number of quotes up to it is odd. Inside decode/ only.
//
// That is right as long as each quote that opens a field begins it and each that closes one ends
// it. CsvScanner reads what is not so, and goes on here after it.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include "decode/spec.h"

namespace adweave::decode {

inline bool is_line_end(char c) {
  return c == '\n' || c == '\r';
}

class CsvMarks {
 public:
  enum class Of { fields, records };
  static constexpr size_t kNone = SIZE_MAX;

  // Whether a dialect can be read so: quotes in quotes are doubled, and there are no comments.
  static bool serve(const CsvDialect& dialect);

  CsvMarks(const CsvDialect& dialect, Of of, std::string_view bytes);

  // Goes on at `begin`, where a record begins.
  void restart(size_t begin);

  // Offset of the next delimiter or line end outside quotes, or of the next line end: of its LF
  // where it is CR LF. kNone when quoting is not regular before it, or at the end of the text.
  size_t next() {
    while (bits_ == 0) {
      if (!read_block()) return kNone;
    }
    const size_t at = block_ + static_cast<size_t>(std::countr_zero(bits_));
    bits_ &= bits_ - 1;
    return at;
  }

  // Whether there may be a doubled quote, or a line end within quotes, at or after `begin`.
  bool may_have_doubled(size_t begin) const { return doubled_before_ > begin; }
  bool may_have_quoted_line_end(size_t begin) const { return line_end_before_ > begin; }

 private:
  bool read_block();

  std::string_view bytes_;
  char delimiter_;
  char quote_;
  uint64_t quoting_;  // all bits when there is a quote
  bool lines_only_;
  size_t block_ = 0;  // offset of the block that was read
  size_t next_block_ = 0;
  uint64_t bits_ = 0;  // its marks that have not been given
  // Of the byte before the next block: whether it is within quotes (then all bits), a quote that
  // closes, a quote or separator.
  uint64_t within_ = 0;
  uint64_t closes_ = 0;
  uint64_t opens_after_ = 1;
  size_t doubled_before_ = 0;
  size_t line_end_before_ = 0;
};

}  // namespace adweave::decode
