// SPDX-License-Identifier: Apache-2.0
#include "event/slice.h"

#include <fmt/format.h>

namespace adweave::event {

std::string position_text(const Slice& slice, const RecordSpan& span) {
  if (span.element < 0) return fmt::format("{}:{}", slice.file, slice.begin + span.offset);
  return fmt::format("{}:{}#{}", slice.file, slice.begin + span.offset, span.element);
}

}  // namespace adweave::event
