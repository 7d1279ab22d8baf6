// SPDX-License-Identifier: Apache-2.0
#include "event/slice.h"

#include <charconv>

namespace adweave::event {

// By hand: it is made for every row.
std::string position_text(const Slice& slice, const RecordSpan& span) {
  std::string text;
  text.reserve(slice.file.size() + 24);
  text.append(slice.file);
  const auto append = [&](char mark, int64_t number) {
    char digits[20];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
    text.append(1, mark).append(digits, end);
  };
  append(':', slice.begin + span.offset);
  if (span.element >= 0) append('#', span.element);
  return text;
}

}  // namespace adweave::event
