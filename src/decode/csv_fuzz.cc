// SPDX-License-Identifier: Apache-2.0
// CSV in many dialects.
#include "decode/decode_fuzz_support.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace adweave::decode;
  FuzzInput input(data, size);
  DecoderSpec spec;
  spec.source = "fuzz";
  spec.format = Format::csv;
  spec.csv.delimiter = ",;\t|"[input.choose(4)];
  const size_t quoting = input.choose(5);
  if (quoting == 1) spec.csv.quote = '\'';
  if (quoting == 2) spec.csv.quote = std::nullopt;
  if (quoting >= 3) spec.csv.escape = quoting == 3 ? '\\' : '"';
  const size_t more = input.choose(16);
  if ((more & 1) != 0) spec.csv.comment = '#';
  if ((more & 2) != 0) spec.csv.skip = 1;
  if ((more & 4) != 0) spec.csv.short_rows = ShortRows::fill;
  if ((more & 8) != 0) {
    spec.csv.header = false;
    spec.csv.columns = {"id", "timestamp", "x"};
  }
  spec.mapping = fuzz_mapping(input.choose(2));
  spec.event_bytes_max = 4096;
  fuzz_decoder(spec, input.rest());
  return 0;
}
