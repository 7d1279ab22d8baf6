// SPDX-License-Identifier: Apache-2.0
// What containers and single messages of Avro share: the writer's schema as the reader wants it,
// and records read straight by the mapping, or as JSON where the mapping undoes what the schema
// did. Inside decode/ only.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "decode/avro_reader.h"
#include "decode/decoders.h"
#include "decode/json_reader.h"

namespace adweave::decode {

// Fails with config.
Result<AvroSchema> parse_avro_schema(const std::string& json);

// The schema that data were written with, resolved. `reader` may be null and must live as long.
class WriterSchema {
 public:
  static Result<WriterSchema> make(std::string_view json, const AvroSchema* reader);
  const AvroNode& root() const { return resolved_ ? resolved_->root() : written_->root(); }
  const AvroNode& written() const { return written_->root(); }

 private:
  std::unique_ptr<AvroSchema> written_;
  std::optional<AvroSchema> resolved_;
};

// For one decode() call.
class AvroRecords {
 public:
  AvroRecords(const DecoderSpec& spec, const Mapping& mapping, RowWriter& writer);

  // One record; false when the bytes do not fit the schema.
  bool read(AvroBytes& in, const AvroNode& schema, event::RecordSpan& span);

 private:
  const AvroUndo* undo_;
  AvroReader reader_;
  std::unique_ptr<JsonReader> json_reader_;
  std::string text_;
};

Result<std::unique_ptr<Decoder>> make_avro_message_decoder(const DecoderSpec& spec,
                                                           Mapping mapping);

}  // namespace adweave::decode
