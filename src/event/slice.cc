// SPDX-License-Identifier: Apache-2.0
#include "event/slice.h"

#include <algorithm>
#include <charconv>

namespace adweave::event {

size_t PieceCursor::index(int64_t byte) {
  const std::vector<Piece>& pieces = slice_.pieces;
  if (pieces.empty()) return 0;
  const auto is_after = [](int64_t at, const Piece& piece) { return at < piece.begin; };
  if (byte < pieces[at_].begin) {
    const auto next = std::upper_bound(pieces.begin(), pieces.end(), byte, is_after);
    at_ = static_cast<size_t>(next - pieces.begin()) - 1;
  }
  while (at_ + 1 < pieces.size() && pieces[at_ + 1].begin <= byte) ++at_;
  return at_;
}

int64_t PieceCursor::source_offset(int64_t byte) {
  if (slice_.pieces.empty()) return slice_.begin + byte;
  const Piece& piece = slice_.pieces[index(byte)];
  return piece.offset + (byte - piece.begin);
}

int64_t PieceCursor::received_time(int64_t byte) {
  return slice_.pieces.empty() ? slice_.received_time : slice_.pieces[index(byte)].received_time;
}

PositionTexts::PositionTexts(const Slice& slice)
    : pieces_(slice), file_bytes_(slice.file.size() + 1), text_(slice.file + ":") {
  constexpr size_t kNumberBytes = 20;
  text_.resize(file_bytes_ + kNumberBytes + 1 + kNumberBytes);
}

std::string_view PositionTexts::of(const RecordSpan& span) {
  char* const end_of_text = text_.data() + text_.size();
  char* end =
      std::to_chars(text_.data() + file_bytes_, end_of_text, pieces_.source_offset(span.offset))
          .ptr;
  if (span.element >= 0) {
    *end++ = '#';
    end = std::to_chars(end, end_of_text, span.element).ptr;
  }
  return {text_.data(), static_cast<size_t>(end - text_.data())};
}

std::string position_text(const Slice& slice, const RecordSpan& span) {
  return std::string(PositionTexts(slice).of(span));
}

}  // namespace adweave::event
