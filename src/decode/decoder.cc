// SPDX-License-Identifier: Apache-2.0
#include "decode/decoder.h"

#include "decode/content.h"
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

// What each row has from its slice: a column at once, not row by row.
void fill_transport(const event::Slice& slice, event::Batch& batch) {
  batch.source.fill(batch.rows, slice.source);
  for (int64_t row = 0; row < batch.rows; ++row)
    batch.source_length.put(row, batch.spans[static_cast<size_t>(row)].length);
  if (slice.pieces.empty()) return batch.received_time.fill(batch.rows, slice.received_time);
  event::PieceCursor pieces(slice);
  for (int64_t row = 0; row < batch.rows; ++row) {
    const int64_t byte = batch.spans[static_cast<size_t>(row)].offset;
    batch.received_time.put(row, pieces.received_time(byte));
  }
}

}  // namespace

event::DecodedSlice Decoder::decode(event::Slice slice) const {
  if (slice.problem.empty()) {
    event::DecodedSlice decoded = decode_records(std::move(slice));
    for (event::Batch& batch : decoded.batches) fill_transport(decoded.slice, batch);
    return decoded;
  }
  event::DecodedSlice out(std::move(slice));
  const auto length = static_cast<int32_t>(out.slice.bytes->size());
  out.records_read = 1;
  out.rejects.push_back(
      {event::Reason::malformed, "content", out.slice.problem, std::nullopt, {0, length, -1}});
  return out;
}

std::unique_ptr<event::ByteTransform> Decoder::content(std::string_view start) const {
  return make_content(spec_, start);
}

bool Decoder::is_lines(std::string_view bytes) const {
  return reads_lines(bytes) && byte_order_mark(bytes) == 0 && content(bytes) == nullptr;
}

bool Decoder::is_message(std::string_view bytes) const {
  return is_one_message(bytes) && content(bytes) == nullptr;
}

DecoderSpec whole_records(DecoderSpec spec) {
  FieldRule whole;
  whole.field = event::Field::extra;
  whole.from = {std::string(kWholeRecord)};
  RowRule row;
  row.kind = event::Kind::impression;
  row.fields = {std::move(whole)};
  spec.mapping = {"", {std::move(row)}, Unread::drop};
  return spec;
}

Result<std::unique_ptr<Decoder>> make_decoder(const DecoderSpec& spec) {
  Result<std::unique_ptr<Decoder>> decoder = make(spec);
  if (!decoder) return std::move(decoder).error().within("source " + spec.source);
  return decoder;
}

}  // namespace adweave::decode
