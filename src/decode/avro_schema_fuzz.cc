// SPDX-License-Identifier: Apache-2.0
// Schemas: a writer's and a reader's, parted by a zero byte, with data after another.
#include "decode/decode_fuzz_support.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace adweave::decode;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto part = [&] {
    const size_t end = std::min(text.find('\0'), text.size());
    const std::string_view found = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return std::string(found);
  };
  DecoderSpec spec;
  spec.source = "fuzz";
  spec.format = Format::avro;
  spec.avro.framing = AvroFraming::confluent;
  spec.avro.schemas = {{7, part()}};
  spec.avro.schema = part();
  spec.mapping = fuzz_mapping(0);
  spec.event_bytes_max = 4096;
  fuzz_decoder(spec, text);
  return 0;
}
