// SPDX-License-Identifier: Apache-2.0
// A writer's schema beside a mapping, made a list of steps: which value goes to which slot and
// which are passed over, with the records and unions of the schema taken apart. What is more than
// one scalar, or is kept in `extra`, stays a step of its own for AvroReader. Inside decode/ only.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/limits.h"
#include "decode/avro_bytes.h"
#include "decode/avro_schema.h"
#include "decode/byte_search.h"
#include "decode/made_texts.h"
#include "decode/mapping.h"
#include "decode/value.h"

namespace adweave::decode {

// Whether text is UTF-8.
bool is_utf8(std::string_view text);

class AvroPlan {
 public:
  struct Step {
    enum class Kind : uint8_t {
      text,
      integer,  // long without a logical type
      micros,   // long that is a timestamp in microseconds
      scalar,   // any other
      // Of a union of null and one type: the next `steps` are for a value.
      optional,
      member,  // for AvroReader
    };
    Kind kind = Kind::member;
    uint8_t null_branch = 0;
    int slot = -1;  // -1: the value is passed over
    size_t steps = 0;
    const AvroNode* node = nullptr;    // of a scalar
    const AvroField* field = nullptr;  // of a member
    const PathNode* path = nullptr;    // of a member
  };

  // Null when a record of the schema does not begin as one of plain members.
  static std::optional<AvroPlan> make(const AvroNode& schema, const Mapping& mapping);

  // Reads a record; `read_member(in, step)` reads a member.
  template <class ReadMember>
  void run(AvroBytes& in, std::span<Value> slots, MadeTexts& made, ReadMember&& read_member) const;

 private:
  bool add_record(const AvroNode& record, const PathNode& node, int depth);
  bool add_value(const AvroNode& schema, const PathNode* node, int depth);

  bool keeps_unread_ = false;
  std::vector<Step> steps_;
};

// A value that is no record, array or map. Texts that had to be made are kept in `made`.
Value read_avro_scalar(AvroBytes& in, const AvroNode& schema, MadeTexts& made);

template <class ReadMember>
void AvroPlan::run(AvroBytes& in, std::span<Value> slots, MadeTexts& made,
                   ReadMember&& read_member) const {
  AvroBytes here = in;  // nothing else knows it, so that it stays in registers
  const auto elsewhere = [&](auto&& read) {
    in = here;
    read();
    here = in;
  };
  Value unread;
  const Step* const end = steps_.data() + steps_.size();
  for (const Step* step = steps_.data(); step != end && here.ok(); ++step) {
    Value& value = step->slot >= 0 ? slots[static_cast<size_t>(step->slot)] : unread;
    switch (step->kind) {
      case Step::Kind::text: {
        const std::string_view text = here.read_sized();
        if (!is_ascii(text) && !is_utf8(text)) here.fail();
        value = Value::of_text(text);
        break;
      }
      case Step::Kind::integer:
        value = Value::of_integer(here.read_long());
        break;
      case Step::Kind::micros: {
        const int64_t micros = here.read_long();
        const bool civil = micros >= limits::kCivilTimeMin && micros <= limits::kCivilTimeMax;
        value = {civil ? Value::Kind::time : Value::Kind::integer, {}, micros};
        break;
      }
      case Step::Kind::scalar:
        elsewhere([&] { value = read_avro_scalar(in, *step->node, made); });
        break;
      case Step::Kind::optional: {
        const int64_t branch = here.read_long();
        if (branch < 0 || branch > 1) here.fail();
        if (branch != step->null_branch) break;
        value = Value::null();
        step += step->steps;
        break;
      }
      case Step::Kind::member:
        elsewhere([&] { read_member(in, *step); });
        break;
    }
  }
  in = here;
}

}  // namespace adweave::decode
