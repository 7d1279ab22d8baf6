// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <deque>

#include <simdjson.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/money.h"
#include "decode/avro_bytes.h"
#include "decode/avro_container.h"
#include "decode/avro_schema.h"
#include "decode/decoders.h"
#include "decode/row_writer.h"

namespace adweave::decode {

namespace {

using event::Reason;

// A two's-complement big-endian integer as a decimal with `scale` digits after the point; empty
// when over 128 bits.
std::string decimal_text(std::string_view bytes, int scale) {
  if (bytes.size() > sizeof(Int128) || scale < 0 || scale > 38) return {};
  Int128 number = !bytes.empty() && (bytes[0] & 0x80) != 0 ? -1 : 0;
  for (const char byte : bytes) number = (number << 8) | static_cast<uint8_t>(byte);
  const bool negative = number < 0;
  std::string digits;
  for (; number != 0; number /= 10)
    digits += static_cast<char>('0' + static_cast<int>(negative ? -(number % 10) : number % 10));
  while (digits.size() <= static_cast<size_t>(scale)) digits += '0';
  if (scale > 0) digits.insert(static_cast<size_t>(scale), ".");
  if (negative) digits += '-';
  return {digits.rbegin(), digits.rend()};
}

// Reads the records of one block into slots and extra.
class AvroReader {
 public:
  AvroReader(const Mapping& mapping, RowWriter& writer)
      : mapping_(mapping), writer_(writer), slots_(static_cast<size_t>(mapping.slots())) {}

  // One record; false when the bytes do not fit the schema. Each event of it is `span` with the
  // next element.
  bool read(AvroBytes& in, const AvroNode& schema, event::RecordSpan& span) {
    slots_.assign(slots_.size(), Value());
    extra_.clear();
    made_.clear();
    exploded_.clear();
    read_value(in, schema, &mapping_.tree(), "", extra_, 0);
    if (!in.ok()) return false;
    if (exploded_.empty()) {
      ++span.element;
      writer_.write(slots_, extra_, span);
      return true;
    }
    for (const Element& element : exploded_) write_element(element, span);
    return true;
  }

 private:
  struct Element {
    std::string_view bytes;
    const AvroNode* schema;
    const PathNode* node;
    std::string key;
  };

  std::string_view keep(std::string text) { return made_.emplace_back(std::move(text)); }

  void write_element(const Element& element, event::RecordSpan& span) {
    for (int slot = 0; slot < mapping_.slots(); ++slot) {
      if (mapping_.of_element(slot)) slots_[static_cast<size_t>(slot)] = Value();
    }
    AvroBytes in(element.bytes);
    ExtraObject holder;
    PathNode plain = *element.node;
    plain.explode = false;
    read_value(in, *element.schema, &plain, element.key, holder, 0);
    ExtraObject extra = extra_;
    if (!holder.empty()) extra.append(holder);
    ++span.element;
    writer_.write(slots_, extra, span);
  }

  // Reads a value: into the slot of `node`, or into `extra` under `key` when no rule reads it.
  void read_value(AvroBytes& in, const AvroNode& schema, const PathNode* node, std::string_view key,
                  ExtraObject& extra, int depth) {
    if (depth > limits::kNestingMax) return in.fail();
    if (schema.type == AvroType::union_type) {
      const int64_t branch = in.read_long();
      if (branch < 0 || branch >= static_cast<int64_t>(schema.items.size())) return in.fail();
      return read_value(in, *schema.items[static_cast<size_t>(branch)], node, key, extra,
                        depth + 1);
    }
    if (node != nullptr && node->explode && schema.type == AvroType::array) {
      return read_array(in, [&](int64_t) { explode(in, *schema.items[0], *node, key, depth); });
    }
    if (node != nullptr && node->slot < 0 && !node->children.empty()) {
      if (schema.type == AvroType::record) return read_record(in, schema, *node, key, extra, depth);
      if (schema.type == AvroType::map) return read_map(in, schema, *node, key, extra, depth);
      if (schema.type == AvroType::array) {
        return read_array(in, [&](int64_t i) {
          read_value(in, *schema.items[0], node->find(i),
                     std::string(key) + "[" + std::to_string(i) + "]", extra, depth + 1);
        });
      }
    }
    const Value value = read_plain(in, schema, depth);
    if (!in.ok()) return;
    if (node != nullptr && node->slot >= 0) {
      slots_[static_cast<size_t>(node->slot)] = value;
    } else if (value.kind != Value::Kind::null) {
      extra.add(key, value);
    }
  }

  void read_record(AvroBytes& in, const AvroNode& schema, const PathNode& node,
                   std::string_view key, ExtraObject& extra, int depth) {
    const bool root = depth == 0 && key.empty();
    ExtraObject inner;
    for (size_t i = 0; i < schema.items.size() && in.ok(); ++i) {
      read_value(in, *schema.items[i], node.find(schema.names[i]), schema.names[i],
                 root ? extra : inner, depth + 1);
    }
    if (!inner.empty()) extra.add(key, inner.to_json());
  }

  void read_map(AvroBytes& in, const AvroNode& schema, const PathNode& node, std::string_view key,
                ExtraObject& extra, int depth) {
    ExtraObject inner;
    read_array(in, [&](int64_t) {
      const std::string_view name = in.read_sized();
      read_value(in, *schema.items[0], node.find(name), name, inner, depth + 1);
    });
    if (!inner.empty()) extra.add(key, inner.to_json());
  }

  // Calls f(index) with `in` at each item of an array or map.
  template <class F>
  void read_array(AvroBytes& in, F&& f) {
    for (int64_t index = 0; in.ok();) {
      int64_t count = in.read_long();
      if (count == 0) return;
      if (count < 0) {
        in.read_long();
        count = -count;
      }
      for (int64_t i = 0; i < count && in.ok(); ++i) {
        if (index >= limits::kEventBytesMax) return in.fail();
        f(index++);
      }
    }
  }

  // Remembers an element's bytes; its events are written once the rest of the record is known.
  void explode(AvroBytes& in, const AvroNode& schema, const PathNode& node, std::string_view key,
               int depth) {
    const AvroBytes begin = in;
    read_plain(in, schema, depth + 1);
    AvroBytes again = begin;
    const auto size = static_cast<int64_t>(in.position() - begin.position());
    if (!in.ok() || exploded_.size() >= static_cast<size_t>(limits::kExplodeMax)) return in.fail();
    exploded_.push_back({again.read(size), &schema, &node, std::string(key)});
  }

  // A value that is read as one: nested types as JSON text.
  Value read_plain(AvroBytes& in, const AvroNode& schema, int depth) {
    if (depth > limits::kNestingMax) in.fail();
    if (!in.ok()) return Value();
    switch (schema.type) {
      case AvroType::null_type:
        return Value::null();
      case AvroType::boolean:
        return Value::of_boolean(in.read_fixed<uint8_t>() != 0);
      case AvroType::int_type:
      case AvroType::long_type:
        return read_integer(in, schema);
      case AvroType::float_type:
        return read_real(in.read_fixed<float>());
      case AvroType::double_type:
        return read_real(in.read_fixed<double>());
      case AvroType::string:
        return read_text(in);
      case AvroType::bytes:
        return read_bytes(in.read_sized(), schema);
      case AvroType::fixed:
        return read_bytes(in.read(schema.size), schema);
      case AvroType::enumeration:
        return read_symbol(in, schema);
      case AvroType::union_type: {
        const int64_t branch = in.read_long();
        if (branch < 0 || branch >= static_cast<int64_t>(schema.items.size()))
          return in.fail(), Value();
        return read_plain(in, *schema.items[static_cast<size_t>(branch)], depth + 1);
      }
      case AvroType::record:
      case AvroType::array:
      case AvroType::map:
        return Value::of_json(keep(read_json(in, schema, depth)));
    }
    return Value();
  }

  static Value read_integer(AvroBytes& in, const AvroNode& schema) {
    const int64_t number = in.read_long();
    if (schema.logical == AvroLogical::none) return Value::of_integer(number);
    if (schema.logical == AvroLogical::timestamp_micros) return {Value::Kind::time, {}, number, 0};
    if (number > INT64_MAX / 1000 || number < INT64_MIN / 1000) return in.fail(), Value();
    return {Value::Kind::time, {}, number * 1000, 0};
  }

  template <class Number>
  Value read_real(Number number) {
    std::string text;
    char digits[40];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
    text.assign(digits, end);
    const bool finite = number - number == 0;
    return finite ? Value::of_number(keep(std::move(text))) : Value::of_text(keep(std::move(text)));
  }

  static Value read_text(AvroBytes& in) {
    const std::string_view text = in.read_sized();
    if (!simdjson::validate_utf8(text.data(), text.size())) in.fail();
    return Value::of_text(text);
  }

  Value read_bytes(std::string_view bytes, const AvroNode& schema) {
    if (schema.logical == AvroLogical::decimal) {
      return Value::of_number(keep(decimal_text(bytes, schema.scale)));
    }
    if (simdjson::validate_utf8(bytes.data(), bytes.size())) return Value::of_text(bytes);
    std::string text;  // as Avro's JSON encoding: bytes are the characters U+0000 to U+00FF
    for (const char byte : bytes) {
      const auto code = static_cast<uint8_t>(byte);
      if (code >= 0x80) text += static_cast<char>(0xC0 | code >> 6);
      text += static_cast<char>(code >= 0x80 ? 0x80 | (code & 0x3F) : code);
    }
    return Value::of_text(keep(std::move(text)));
  }

  static Value read_symbol(AvroBytes& in, const AvroNode& schema) {
    const int64_t index = in.read_long();
    if (index < 0 || index >= static_cast<int64_t>(schema.names.size())) return in.fail(), Value();
    return Value::of_text(schema.names[static_cast<size_t>(index)]);
  }

  std::string read_json(AvroBytes& in, const AvroNode& schema, int depth) {
    const bool array = schema.type == AvroType::array;
    std::string out(1, array ? '[' : '{');
    const auto item = [&](const AvroNode& node, const std::string_view* name) {
      if (out.size() > 1) out += ',';
      if (name != nullptr) append_json_string(out, *name), out += ':';
      append_json(out, read_plain(in, node, depth + 1));
      if (static_cast<int64_t>(out.size()) > limits::kAvroBlockBytesMax) in.fail();
    };
    if (schema.type == AvroType::record) {
      for (size_t i = 0; i < schema.items.size() && in.ok(); ++i) {
        const std::string_view name = schema.names[i];
        item(*schema.items[i], &name);
      }
    } else {
      read_array(in, [&](int64_t) {
        const std::string_view name = array ? std::string_view() : in.read_sized();
        item(*schema.items[0], array ? nullptr : &name);
      });
    }
    return out += array ? ']' : '}';
  }

  const Mapping& mapping_;
  RowWriter& writer_;
  std::vector<Value> slots_;
  ExtraObject extra_;
  std::deque<std::string> made_;
  std::vector<Element> exploded_;
};

class AvroCutter : public event::RecordCutter {
 public:
  Result<std::optional<int64_t>> head(std::string_view start, bool at_end) override {
    ADWEAVE_ASSIGN(const std::optional<AvroHeader> header, read_avro_header(start));
    if (!header && at_end)
      return Error{ErrorCode::io, "the Avro header is cut off", "the file is damaged"};
    if (!header) return std::optional<int64_t>();
    ADWEAVE_TRY(check_schema(header->schema));
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
  static Status check_schema(const std::string& schema) {
    const Result<AvroSchema> parsed = AvroSchema::parse(schema);
    return parsed ? Status() : Error{ErrorCode::io, parsed.error().message, "the file is damaged"};
  }

  std::string sync_;
};

class AvroDecoder : public Decoder {
 public:
  AvroDecoder(const DecoderSpec& spec, Mapping mapping)
      : Decoder(spec), mapping_(std::move(mapping)) {}

  event::DecodedSlice decode_records(event::Slice slice) const override {
    // The cutter has read the same head, so it is whole and its schema is sound.
    const AvroHeader header = **read_avro_header(*slice.head);
    const AvroSchema schema = *AvroSchema::parse(header.schema);
    const std::shared_ptr<const std::string> bytes = slice.bytes;
    event::DecodedSlice out(std::move(slice));
    RowWriter writer(mapping_, out);
    for (size_t begin = 0; begin < bytes->size();) {
      const AvroBlock block = *next_avro_block(*bytes, begin, header.sync, true);
      decode_block(block, header, schema, begin, out, writer);
      begin = block.end;
    }
    return out;
  }

  std::unique_ptr<event::RecordCutter> cutter() const override {
    return std::make_unique<AvroCutter>();
  }

 private:
  void decode_block(const AvroBlock& block, const AvroHeader& header, const AvroSchema& schema,
                    size_t begin, event::DecodedSlice& out, RowWriter& writer) const {
    event::RecordSpan span{static_cast<int64_t>(begin), static_cast<int32_t>(block.end - begin),
                           -1};
    std::string buffer;
    std::optional<std::string_view> records;
    if (!block.damaged)
      records = decompress_block(header.codec, block.data, limits::kAvroBlockBytesMax, buffer);
    if (!records) {
      ++out.records_read;
      return writer.reject(Reason::malformed, "avro", "the Avro block is damaged", span);
    }
    AvroBytes in(*records);
    AvroReader reader(mapping_, writer);
    int64_t done = 0;
    while (done < block.count && !in.at_end()) {
      ++out.records_read;
      if (!reader.read(in, schema.root(), span)) break;
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
};

}  // namespace

std::unique_ptr<Decoder> make_avro_decoder(const DecoderSpec& spec, Mapping mapping) {
  return std::make_unique<AvroDecoder>(spec, std::move(mapping));
}

}  // namespace adweave::decode
