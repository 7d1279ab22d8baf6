// SPDX-License-Identifier: Apache-2.0
// Line patterns and the lines they read. An input is a pattern, a line feed, and lines.
#include "decode/decode_fuzz_support.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace adweave::decode;
  FuzzInput input(data, size);
  DecoderSpec spec;
  spec.source = "fuzz";
  spec.format = Format::lines;
  spec.mapping = fuzz_mapping(input.choose(2));
  std::string_view text = input.rest();
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return 0;
  spec.pattern = text.substr(0, end);
  spec.event_bytes_max = 4096;
  fuzz_decoder(spec, text.substr(end + 1));
  return 0;
}
