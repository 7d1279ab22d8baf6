// SPDX-License-Identifier: Apache-2.0
// The formats' own constructors, listed for make_decoder(). Inside decode/ only.
#pragma once

#include <memory>

#include "decode/decoder.h"
#include "decode/mapping.h"

namespace adweave::decode {

std::unique_ptr<Decoder> make_json_decoder(const DecoderSpec& spec, Mapping mapping);
std::unique_ptr<Decoder> make_csv_decoder(const DecoderSpec& spec, Mapping mapping);
Result<std::unique_ptr<Decoder>> make_avro_decoder(const DecoderSpec& spec, Mapping mapping);
Result<std::unique_ptr<Decoder>> make_lines_decoder(const DecoderSpec& spec, Mapping mapping);

// Length of the UTF-8 byte order mark that text begins with, or 0.
inline int64_t byte_order_mark(std::string_view start) {
  return start.starts_with("\xEF\xBB\xBF") ? 3 : 0;
}

// For formats whose records are lines.
std::unique_ptr<event::RecordCutter> make_line_cutter();

}  // namespace adweave::decode
