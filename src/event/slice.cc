// SPDX-License-Identifier: Apache-2.0
#include "event/slice.h"

#include <algorithm>
#include <charconv>

namespace adweave::event {

PieceCursor::PieceCursor(const Slice& slice)
    : pieces_(slice.pieces), shift_(slice.begin), received_time_(slice.received_time) {
  if (!pieces_.empty()) enter(0);
}

void PieceCursor::enter(size_t index) {
  const Piece& piece = pieces_[index];
  index_ = index;
  begin_ = piece.begin;
  end_ =
      index + 1 < pieces_.size() ? pieces_[index + 1].begin : std::numeric_limits<int64_t>::max();
  shift_ = piece.offset - piece.begin;
  received_time_ = piece.received_time;
}

// Most often the next one.
void PieceCursor::find(int64_t byte) {
  if (pieces_.empty()) return;
  if (byte >= end_) enter(index_ + 1);
  if (byte >= begin_ && byte < end_) return;
  const auto is_after = [](int64_t at, const Piece& piece) { return at < piece.begin; };
  const auto next = std::upper_bound(pieces_.begin(), pieces_.end(), byte, is_after);
  enter(static_cast<size_t>(next - pieces_.begin()) - 1);
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
