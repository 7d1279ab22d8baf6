// SPDX-License-Identifier: Apache-2.0
#include "decode/decoder.h"

#include "decode/decoders.h"

namespace adweave::decode {

namespace {

Result<std::unique_ptr<Decoder>> make(const DecoderSpec& spec) {
  const bool nested = spec.format == Format::json || spec.format == Format::avro;
  ADWEAVE_ASSIGN(Mapping mapping, Mapping::compile(spec.mapping, nested));
  switch (spec.format) {
    case Format::json:
      return make_json_decoder(spec, std::move(mapping));
    case Format::csv:
      return make_csv_decoder(spec, std::move(mapping));
    case Format::avro:
      return make_avro_decoder(spec, std::move(mapping));
    case Format::lines:
      return make_lines_decoder(spec, std::move(mapping));
  }
  return Error{ErrorCode::config, "unknown format"};
}

}  // namespace

Result<std::unique_ptr<Decoder>> make_decoder(const DecoderSpec& spec) {
  Result<std::unique_ptr<Decoder>> decoder = make(spec);
  if (!decoder) return std::move(decoder).error().within("source " + spec.source);
  return decoder;
}

}  // namespace adweave::decode
