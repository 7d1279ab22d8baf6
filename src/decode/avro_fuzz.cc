// SPDX-License-Identifier: Apache-2.0
// Avro containers, and messages of a schema with every kind of type.
#include "decode/decode_fuzz_support.h"

namespace {

constexpr const char* kSchema = R"({"type":"record","name":"R","fields":[
  {"name":"id","type":"string"},
  {"name":"timestamp","type":{"type":"long","logicalType":"timestamp-millis"}},
  {"name":"imp","type":{"type":"array","items":{"type":"record","name":"I","fields":[
    {"name":"bidfloor","type":["null","double"]},{"name":"next","type":["null","I"]}]}}},
  {"name":"m","type":{"type":"map","values":["null","int","bytes",
    {"type":"enum","name":"E","symbols":["A","B"]},{"type":"fixed","name":"F","size":4}]}},
  {"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}}]})";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace adweave::decode;
  FuzzInput input(data, size);
  DecoderSpec spec;
  spec.source = "fuzz";
  spec.format = Format::avro;
  const size_t framing = input.choose(4);
  spec.mapping = fuzz_mapping(input.choose(kFuzzMappings));
  spec.event_bytes_max = 4096;
  if (framing == 1) spec.avro.undo = {{"ext"}, {"m"}, {"d"}};
  if (framing >= 2) {
    spec.avro.framing = framing == 2 ? AvroFraming::confluent : AvroFraming::single_object;
    spec.avro.schemas = {{7, kSchema}};
  }
  fuzz_decoder(spec, input.rest());
  return 0;
}
