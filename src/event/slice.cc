// SPDX-License-Identifier: Apache-2.0
#include "event/slice.h"

#include <charconv>

namespace adweave::event {

PositionTexts::PositionTexts(const Slice& slice)
    : begin_(slice.begin), file_bytes_(slice.file.size() + 1), text_(slice.file + ":") {
  constexpr size_t kNumberBytes = 20;
  text_.resize(file_bytes_ + kNumberBytes + 1 + kNumberBytes);
}

std::string_view PositionTexts::of(const RecordSpan& span) {
  char* const end_of_text = text_.data() + text_.size();
  char* end = std::to_chars(text_.data() + file_bytes_, end_of_text, begin_ + span.offset).ptr;
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
