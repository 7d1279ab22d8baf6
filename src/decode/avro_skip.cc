// SPDX-License-Identifier: Apache-2.0
#include "decode/avro_skip.h"

#include "base/limits.h"
#include "decode/avro_plan.h"
#include "decode/avro_reader.h"

namespace adweave::decode {

namespace {

class Skip {
 public:
  explicit Skip(AvroBytes& in) : in_(in) {}

  void pass(const AvroNode& schema, int depth) {
    if (depth > limits::kNestingMax || ++values_ > limits::kAvroBlockBytesMax) return in_.fail();
    switch (schema.type) {
      case AvroType::null_type:
        return;
      case AvroType::boolean:
        return pass_bytes(1);
      case AvroType::int_type: {
        const int64_t number = in_.read_long();
        if (number != static_cast<int32_t>(number)) in_.fail();
        return;
      }
      case AvroType::long_type:
        in_.read_long();
        return;
      case AvroType::float_type:
        return pass_bytes(sizeof(float));
      case AvroType::double_type:
        return pass_bytes(sizeof(double));
      case AvroType::string:
        return pass_text();
      case AvroType::bytes:
        in_.read_sized();
        return;
      case AvroType::fixed:
        return pass_bytes(schema.size);
      case AvroType::enumeration: {
        const int64_t index = in_.read_long();
        const bool known = index >= 0 && index < static_cast<int64_t>(schema.symbols.size());
        if (!known || schema.symbols[static_cast<size_t>(index)].empty()) in_.fail();
        return;
      }
      case AvroType::union_type: {
        const int64_t branch = in_.read_long();
        if (branch < 0 || branch >= static_cast<int64_t>(schema.items.size())) return in_.fail();
        return pass(*schema.items[static_cast<size_t>(branch)], depth);
      }
      case AvroType::record:
        for (const AvroField& field : schema.fields) {
          if (!in_.ok()) return;
          if (!field.encoded) pass(*field.type, depth + 1);
        }
        return;
      case AvroType::array:
      case AvroType::map:
        return for_each_avro_item(in_, [&](int64_t) {
          if (schema.type == AvroType::map) pass_text();
          pass(*schema.items[0], depth + 1);
        });
      case AvroType::unresolved:
        return in_.fail();
    }
  }

 private:
  void pass_bytes(int64_t size) { in_.read(size); }
  void pass_text() {
    if (!is_utf8(in_.read_sized())) in_.fail();
  }

  AvroBytes& in_;
  int64_t values_ = 0;  // some take no bytes
};

}  // namespace

void skip_avro(AvroBytes& in, const AvroNode& schema, int depth) {
  Skip(in).pass(schema, depth);
}

}  // namespace adweave::decode
