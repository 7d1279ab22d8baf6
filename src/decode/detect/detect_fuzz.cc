// SPDX-License-Identifier: Apache-2.0
// inspect's guesses: whatever a file is, the configuration that comes out of it can be compiled.
#include "base/json.h"
#include "decode/decode_fuzz_support.h"
#include "decode/detect/detect.h"
#include "decode/detect/guess_mapping.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace adweave;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Result<decode::Detected> detected = decode::detect(text, size % 2 == 0, "clicks.ndjson");
  if (!detected || detected->schema_id.size() > 0) return 0;
  decode::DecoderSpec& spec = detected->spec;
  spec.source = "fuzz";
  const bool nested = spec.format == decode::Format::json || spec.format == decode::Format::avro;
  std::vector<JsonValue> records;
  if (Result<JsonValue> record = parse_json(text)) records.push_back(std::move(*record));
  spec.mapping = decode::guess_mapping(records, nested, "clicks.ndjson").mapping;
  CHECK(decode::make_decoder(spec));
  return 0;
}
