// SPDX-License-Identifier: Apache-2.0
// Object container files.
#include "base/limits.h"
#include "decode/avro_container.h"
#include "decode/avro_records.h"
#include "decode/decoders.h"

namespace adweave::decode {

namespace {

using event::Reason;

class AvroCutter : public event::RecordCutter {
 public:
  explicit AvroCutter(const AvroSchema* reader) : reader_(reader) {}

  Result<std::optional<int64_t>> head(std::string_view start, bool at_end) override {
    ADWEAVE_ASSIGN(const std::optional<AvroHeader> header, read_avro_header(start));
    if (!header && at_end)
      return Error{ErrorCode::io, "the Avro header is cut off", "the file is damaged"};
    if (!header) return std::optional<int64_t>();
    const Result<WriterSchema> schema = WriterSchema::make(header->schema, reader_);
    if (!schema) return Error{ErrorCode::io, schema.error().message, "the file is damaged"};
    sync_ = header->sync;
    return std::optional<int64_t>(static_cast<int64_t>(header->length));
  }

  std::optional<int64_t> cut(std::string_view bytes, int64_t target, bool at_end) override {
    size_t at = 0;
    while (at < bytes.size()) {
      const std::optional<AvroBlock> block = next_avro_block(bytes, at, sync_, at_end);
      if (!block) return std::nullopt;
      at = block->end;
      if (static_cast<int64_t>(at) >= target) return static_cast<int64_t>(at);
    }
    return at_end ? std::optional<int64_t>(static_cast<int64_t>(at)) : std::nullopt;
  }

 private:
  const AvroSchema* reader_;
  std::string sync_;
};

class AvroDecoder : public Decoder {
 public:
  AvroDecoder(const DecoderSpec& spec, Mapping mapping, std::optional<AvroSchema> reader)
      : Decoder(spec), mapping_(std::move(mapping)), reader_(std::move(reader)) {}

  std::unique_ptr<event::RecordCutter> cutter() const override {
    return std::make_unique<AvroCutter>(reader());
  }

 private:
  const AvroSchema* reader() const { return reader_ ? &*reader_ : nullptr; }

  event::DecodedSlice decode_records(event::Slice slice) const override {
    // The cutter has read the same head, so it is whole and its schema is sound.
    const AvroHeader header = **read_avro_header(*slice.head);
    const WriterSchema schema = *WriterSchema::make(header.schema, reader());
    const std::shared_ptr<const std::string> bytes = slice.bytes;
    event::DecodedSlice out(std::move(slice));
    RowWriter writer(mapping_, out);
    AvroRecords records(spec(), mapping_, writer);
    for (size_t begin = 0; begin < bytes->size();) {
      const AvroBlock block = *next_avro_block(*bytes, begin, header.sync, true);
      decode_block(block, header, schema, begin, out, writer, records);
      begin = block.end;
    }
    return out;
  }

  static void decode_block(const AvroBlock& block, const AvroHeader& header,
                           const WriterSchema& schema, size_t begin, event::DecodedSlice& out,
                           RowWriter& writer, AvroRecords& records) {
    event::RecordSpan span{static_cast<int64_t>(begin), static_cast<int32_t>(block.end - begin),
                           -1};
    std::string buffer;
    std::optional<std::string_view> plain;
    if (!block.damaged)
      plain = decompress_block(header.codec, block.data, limits::kAvroBlockBytesMax, buffer);
    // Records without bytes cost nothing to send.
    const bool endless =
        plain && block.count > static_cast<int64_t>(plain->size()) + limits::kAvroEmptyRecordsMax;
    if (!plain || endless) {
      ++out.records_read;
      return writer.reject(Reason::malformed, "avro", "the Avro block is damaged", span);
    }
    AvroBytes in(*plain);
    int64_t done = 0;
    while (done < block.count) {
      ++out.records_read;
      if (!records.read(in, schema.root(), span)) break;
      ++done;
    }
    if (done == block.count && in.at_end()) return;
    if (in.ok()) ++out.records_read;
    ++span.element;
    writer.reject(Reason::malformed, "avro",
                  "the Avro block does not fit its schema after " + std::to_string(done) + " of " +
                      std::to_string(block.count) + " records",
                  span);
  }

  Mapping mapping_;
  std::optional<AvroSchema> reader_;
};

}  // namespace

Result<std::unique_ptr<Decoder>> make_avro_decoder(const DecoderSpec& spec, Mapping mapping) {
  if (spec.avro.framing != AvroFraming::container)
    return make_avro_message_decoder(spec, std::move(mapping));
  std::optional<AvroSchema> reader;
  if (!spec.avro.schema.empty()) {
    ADWEAVE_ASSIGN(reader, parse_avro_schema(spec.avro.schema));
  }
  return std::unique_ptr<Decoder>(
      std::make_unique<AvroDecoder>(spec, std::move(mapping), std::move(reader)));
}

}  // namespace adweave::decode
