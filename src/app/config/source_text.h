// SPDX-License-Identifier: Apache-2.0
// A source of the configuration as YAML: what read_source() reads, written.
#pragma once

#include <string>
#include <vector>

#include "decode/spec.h"

namespace adweave::app {

struct SourceText {
  decode::DecoderSpec spec;
  std::string file;
  std::vector<std::pair<std::string, std::string>> schemas;  // id (or empty) -> file, of messages
  std::vector<std::string> remarks;                          // comments before the source
};

// A whole configuration of one source. Writes what differs from the defaults.
std::string source_text(const SourceText& source);

// A word as it stands for `format`, `compression`, ... in the configuration.
std::string_view format_word(decode::Format format);
std::string_view compression_word(decode::Compression compression);
std::string_view encoding_word(decode::Encoding encoding);
std::string_view framing_word(decode::JsonFraming framing);
std::string_view framing_word(decode::AvroFraming framing);

}  // namespace adweave::app
