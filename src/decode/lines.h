// SPDX-License-Identifier: Apache-2.0
// What formats of one record a line share. Inside decode/ only.
#pragma once

#include <string_view>

#include "decode/row_writer.h"

namespace adweave::decode {

// Calls f(record, span), or makes a reject of a record over `bytes_max`.
template <class F>
void read_within_limit(std::string_view record, const event::RecordSpan& span, int64_t bytes_max,
                       RowWriter& writer, F&& f) {
  if (static_cast<int64_t>(record.size()) <= bytes_max) return f(record, span);
  writer.reject(event::Reason::too_large, "event_bytes_max",
                "the record has " + std::to_string(record.size()) + " bytes, the limit is " +
                    std::to_string(bytes_max),
                span);
}

// Calls f(line, span) for every line that is not blank, without its line end. Lines over
// `bytes_max` become rejects.
template <class F>
void for_each_line(std::string_view bytes, int64_t bytes_max, RowWriter& writer,
                   event::DecodedSlice& out, F&& f) {
  for (size_t begin = 0; begin < bytes.size();) {
    size_t end = bytes.find('\n', begin);
    if (end == std::string_view::npos) end = bytes.size();
    std::string_view line = bytes.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const event::RecordSpan span{static_cast<int64_t>(begin), static_cast<int32_t>(line.size()),
                                 -1};
    begin = end + 1;
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    ++out.records_read;
    read_within_limit(line, span, bytes_max, writer, f);
  }
}

}  // namespace adweave::decode
