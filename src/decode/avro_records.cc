// SPDX-License-Identifier: Apache-2.0
#include "decode/avro_records.h"

namespace adweave::decode {

Result<AvroSchema> parse_avro_schema(const std::string& json) {
  Result<AvroSchema> schema = AvroSchema::parse(json);
  if (!schema) return Error{ErrorCode::config, schema.error().message, schema.error().fix};
  return schema;
}

Result<WriterSchema> WriterSchema::make(std::string_view json, const AvroSchema* reader) {
  WriterSchema schema;
  ADWEAVE_ASSIGN(AvroSchema written, AvroSchema::parse(json));
  schema.written_ = std::make_unique<AvroSchema>(std::move(written));
  if (reader != nullptr) {
    ADWEAVE_ASSIGN(schema.resolved_, resolve(*schema.written_, *reader));
  }
  return schema;
}

AvroRecords::AvroRecords(const DecoderSpec& spec, const Mapping& mapping, RowWriter& writer)
    : undo_(&spec.avro.undo), reader_(mapping, writer) {
  if (undo_->any()) json_reader_ = std::make_unique<JsonReader>(mapping, spec.nesting_max, writer);
}

bool AvroRecords::read(AvroBytes& in, const AvroNode& schema, event::RecordSpan& span) {
  if (!json_reader_) return reader_.read(in, schema, span);
  text_.clear();
  AvroJson(undo_).append(text_, in, schema, 0);
  if (!in.ok()) return false;
  const size_t size = text_.size();
  text_.append(kJsonPadding, '\0');
  ++span.element;
  json_reader_->read(std::string_view(text_).substr(0, size), span);
  return true;
}

}  // namespace adweave::decode
