// SPDX-License-Identifier: Apache-2.0
// Single Avro messages that name their schema: Confluent's wire format and Avro's single-object
// encoding, one after the other or one a line in base64.
#include "decode/avro_messages.h"

#include <map>
#include <mutex>

#include "base/base64.h"
#include "base/limits.h"
#include "decode/avro_records.h"
#include "decode/avro_skip.h"
#include "decode/json_check.h"
#include "decode/lines.h"

namespace adweave::decode {

std::optional<AvroMessageHeader> read_message_header(AvroFraming framing, std::string_view bytes) {
  const auto number = [&](size_t at, size_t size, bool big_endian) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      const auto byte = static_cast<uint8_t>(bytes[at + (big_endian ? i : size - 1 - i)]);
      value = value << 8 | byte;
    }
    return value;
  };
  if (framing == AvroFraming::confluent) {
    if (bytes.size() < 5 || bytes[0] != 0) return std::nullopt;
    return AvroMessageHeader{5, number(1, 4, true)};
  }
  if (bytes.size() < 10 || !bytes.starts_with("\xC3\x01")) return std::nullopt;
  return AvroMessageHeader{10, number(2, 8, false)};
}

namespace {

using event::Reason;

// Schemas by what names them in a message. Thread-safe.
class Schemas {
 public:
  Schemas(const AvroSchema* reader, std::shared_ptr<const SchemaBook> book)
      : reader_(reader), book_(std::move(book)) {}

  void add(uint64_t name, WriterSchema schema) { schemas_.emplace(name, std::move(schema)); }

  // Null: nobody knows it, or it cannot be read; then `problem` says so where there is a book.
  const WriterSchema* find(uint64_t name, std::string* problem = nullptr) const {
    if (book_ == nullptr) return known(name);
    const std::lock_guard guard(mutex_);
    if (const WriterSchema* schema = known(name)) return schema;
    const std::optional<std::string> json = book_->find(static_cast<int64_t>(name));
    if (!json) return fail(problem, "the schema registry does not know it");
    Result<WriterSchema> schema = WriterSchema::make(*json, reader_);
    if (!schema) return fail(problem, schema.error().message);
    return &schemas_.emplace(name, *std::move(schema)).first->second;
  }

  // Bytes of the message that begins `bytes`; null when none does, of a known schema.
  std::optional<size_t> message_size(AvroFraming framing, std::string_view bytes) const {
    const std::optional<AvroMessageHeader> header = read_message_header(framing, bytes);
    if (!header) return std::nullopt;
    const WriterSchema* schema = find(header->schema);
    if (schema == nullptr) return std::nullopt;
    AvroBytes in(bytes.substr(header->size));
    skip_avro(in, schema->root());
    if (!in.ok()) return std::nullopt;
    return header->size + in.position();
  }

 private:
  const WriterSchema* known(uint64_t name) const {
    const auto schema = schemas_.find(name);
    return schema == schemas_.end() ? nullptr : &schema->second;
  }

  static const WriterSchema* fail(std::string* problem, std::string what) {
    if (problem != nullptr) *problem = std::move(what);
    return nullptr;
  }

  const AvroSchema* reader_;
  std::shared_ptr<const SchemaBook> book_;
  mutable std::mutex mutex_;                          // of schemas_, where there is a book
  mutable std::map<uint64_t, WriterSchema> schemas_;  // the book's join when they are met
};

// Where one message after the other ends only the schema tells.
class MessageCutter : public event::RecordCutter {
 public:
  MessageCutter(const DecoderSpec& spec, const Schemas& schemas) : spec_(spec), schemas_(schemas) {}

  Result<std::optional<int64_t>> head(std::string_view /*start*/, bool /*at_end*/) override {
    return std::optional<int64_t>(0);
  }

  std::optional<int64_t> cut(std::string_view bytes, int64_t target, bool at_end) override {
    size_t at = 0;
    while (at < bytes.size() && static_cast<int64_t>(at) < target) {
      const std::optional<size_t> size =
          schemas_.message_size(spec_.avro.framing, bytes.substr(at));
      if (!size) {
        const bool may_go_on =
            !at_end && bytes.size() - at < static_cast<size_t>(spec_.event_bytes_max) + kSlack;
        if (may_go_on && at == 0) return std::nullopt;
        // Where it ends is told once its schema is known: until then all that follows is one
        // record.
        if (at == 0 && at_end && is_of_unknown_schema(bytes))
          return static_cast<int64_t>(bytes.size());
        if (at == 0) problem_ = "no Avro message of a known schema begins here";
        return static_cast<int64_t>(at);
      }
      at += *size;
    }
    if (static_cast<int64_t>(at) < target && !at_end) return std::nullopt;
    return static_cast<int64_t>(at);
  }

  std::string problem() const override { return problem_; }

 private:
  static constexpr size_t kSlack = 64;

  bool is_of_unknown_schema(std::string_view bytes) const {
    const std::optional<AvroMessageHeader> header = read_message_header(spec_.avro.framing, bytes);
    return header && schemas_.find(header->schema) == nullptr;
  }

  const DecoderSpec& spec_;
  const Schemas& schemas_;
  std::string problem_;
};

class MessageDecoder : public Decoder {
 public:
  MessageDecoder(const DecoderSpec& spec, Mapping mapping, std::unique_ptr<AvroSchema> reader,
                 std::unique_ptr<Schemas> schemas)
      : Decoder(spec),
        mapping_(std::move(mapping)),
        reader_(std::move(reader)),
        schemas_(std::move(schemas)) {}

  std::unique_ptr<event::RecordCutter> cutter() const override {
    if (!spec().avro.envelope.empty()) return make_line_cutter();
    return std::make_unique<MessageCutter>(spec(), *schemas_);
  }

 private:
  // In an envelope, a message is a line.
  bool reads_lines(std::string_view) const override { return !spec().avro.envelope.empty(); }
  bool is_one_message(std::string_view bytes) const override {
    return spec().avro.envelope.empty() &&
           schemas_->message_size(spec().avro.framing, bytes) == bytes.size();
  }

  event::DecodedSlice decode_records(event::Slice slice) const override {
    const std::shared_ptr<const std::string> held = slice.bytes;
    std::string_view bytes = *held;
    event::DecodedSlice out(std::move(slice));
    RowWriter writer(mapping_, out);
    AvroRecords records(spec(), mapping_, writer);
    if (!spec().avro.envelope.empty()) {
      for_each_line(bytes, spec().event_bytes_max, writer, out,
                    [&](std::string_view line, const event::RecordSpan& span) {
                      read_line(line, span, writer, records);
                    });
      return out;
    }
    // The cutter has read the same messages, so their ends are known.
    event::RecordSpan span{0, 0, -1};
    while (!bytes.empty()) {
      ++out.records_read;
      const size_t size = read_message(bytes, span, writer, records);
      if (size == 0) break;
      bytes.remove_prefix(size);
      span = {span.offset + static_cast<int64_t>(size), 0, -1};
    }
    return out;
  }

  void read_line(std::string_view line, event::RecordSpan span, RowWriter& writer,
                 AvroRecords& records) const {
    const std::optional<std::string> text = enveloped(line);
    const std::optional<std::string> message = text ? decode_base64(*text) : std::nullopt;
    if (!message) {
      return writer.reject(Reason::malformed, "envelope",
                           "the line holds no base64 at " + spec().avro.envelope, span);
    }
    const int32_t length = span.length;
    const size_t size = read_message(*message, span, writer, records);
    span.length = length;
    if (size != 0 && size != message->size())
      writer.reject(Reason::malformed, "avro", "bytes after the end of the message", span);
  }

  std::optional<std::string> enveloped(std::string_view line) const {
    const std::string& path = spec().avro.envelope;
    if (path == kWholeRecord) return std::string(line);
    if (check_json(line, spec().nesting_max) != JsonCheck::ok) return std::nullopt;
    return find_json_text(line, path);
  }

  // Reads the message that begins `bytes`; its size, or 0 after a reject when it is not known.
  // `span` gets its length and the number of its last event.
  size_t read_message(std::string_view bytes, event::RecordSpan& span, RowWriter& writer,
                      AvroRecords& records) const {
    const bool enveloped = !spec().avro.envelope.empty();
    if (!enveloped) span.length = static_cast<int32_t>(bytes.size());
    const std::optional<AvroMessageHeader> header = read_message_header(spec().avro.framing, bytes);
    if (!header) {
      writer.reject(Reason::malformed, "avro", "no Avro message begins here", span);
      return 0;
    }
    std::string problem;
    const WriterSchema* schema = schemas_->find(header->schema, &problem);
    if (schema == nullptr) {
      writer.reject(Reason::unknown_schema, "avro",
                    "no schema is known for " + schema_name(header->schema) +
                        (problem.empty() ? "" : ": " + problem),
                    span);
      return 0;
    }
    AvroBytes in(bytes.substr(header->size));
    size_t size = 0;
    if (!enveloped) {
      AvroBytes copy = in;
      skip_avro(copy, schema->root());
      if (copy.ok()) size = header->size + copy.position();
      if (copy.ok()) span.length = static_cast<int32_t>(size);
    }
    if (records.read(in, schema->root(), span)) return header->size + in.position();
    writer.reject(Reason::malformed, "avro",
                  "the message does not fit " + schema_name(header->schema), span);
    return size;
  }

  std::string schema_name(uint64_t schema) const {
    return spec().avro.framing == AvroFraming::confluent
               ? "schema id " + std::to_string(schema)
               : "the schema of fingerprint " + std::to_string(static_cast<int64_t>(schema));
  }

  Mapping mapping_;
  std::unique_ptr<AvroSchema> reader_;
  std::unique_ptr<Schemas> schemas_;
};

}  // namespace

Result<std::unique_ptr<Decoder>> make_avro_message_decoder(const DecoderSpec& spec,
                                                           Mapping mapping) {
  std::unique_ptr<AvroSchema> reader;
  if (!spec.avro.schema.empty()) {
    ADWEAVE_ASSIGN(AvroSchema parsed, parse_avro_schema(spec.avro.schema));
    reader = std::make_unique<AvroSchema>(std::move(parsed));
  }
  auto schemas = std::make_unique<Schemas>(reader.get(), spec.avro.book);
  for (const auto& [id, json] : spec.avro.schemas) {
    Result<WriterSchema> schema = WriterSchema::make(json, reader.get());
    if (!schema) return Error{ErrorCode::config, schema.error().message, schema.error().fix};
    const uint64_t name = spec.avro.framing == AvroFraming::confluent
                              ? static_cast<uint64_t>(id)
                              : fingerprint(canonical_form(schema->written()));
    schemas->add(name, *std::move(schema));
  }
  if (spec.avro.from_registry && spec.avro.framing != AvroFraming::confluent) {
    return Error{ErrorCode::config, "a registry knows schemas by the ids of confluent messages",
                 "write framing: confluent, or schemas: [FILE] in place of registry"};
  }
  if (spec.avro.schemas.empty() && !spec.avro.from_registry) {
    return Error{ErrorCode::config, "messages need the schemas they were written with",
                 "write schemas: {ID: FILE} or registry: self (confluent), or schemas: [FILE] "
                 "(single_object)"};
  }
  return std::unique_ptr<Decoder>(std::make_unique<MessageDecoder>(
      spec, std::move(mapping), std::move(reader), std::move(schemas)));
}

}  // namespace adweave::decode
