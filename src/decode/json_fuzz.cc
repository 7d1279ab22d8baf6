// SPDX-License-Identifier: Apache-2.0
// JSON in every framing.
#include "decode/decode_fuzz_support.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace adweave::decode;
  FuzzInput input(data, size);
  DecoderSpec spec;
  spec.source = "fuzz";
  spec.format = Format::json;
  spec.framing = static_cast<JsonFraming>(input.choose(4));
  spec.mapping = fuzz_mapping(input.choose(kFuzzMappings));
  spec.event_bytes_max = 4096;
  fuzz_decoder(spec, input.rest());
  return 0;
}
