// SPDX-License-Identifier: Apache-2.0
// Avro data -> events, by the mapping. Inside decode/ only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "decode/avro_bytes.h"
#include "decode/avro_plan.h"
#include "decode/avro_schema.h"
#include "decode/made_texts.h"
#include "decode/row_writer.h"

namespace adweave::decode {

// Values as JSON text. Bytes are the characters U+0000 to U+00FF; times, decimals, uuids and
// durations are spelled out; with `undo` members that are null are left out.
class AvroJson {
 public:
  explicit AvroJson(const AvroUndo* undo = nullptr) : undo_(undo) {}
  // Appends the next value; `in` fails where the bytes do not fit the schema or nest too deeply.
  void append(std::string& out, AvroBytes& in, const AvroNode& schema, int depth);

 private:
  void append_record(std::string& out, AvroBytes& in, const AvroNode& schema, int depth);
  void append_member(std::string& out, std::string_view name, AvroBytes& in, const AvroNode& schema,
                     int depth);
  void append_items(std::string& out, AvroBytes& in, const AvroNode& schema, int depth);

  const AvroUndo* undo_;
  bool next_is_json_ = false;  // a text that comes next holds JSON
  bool merge_next_ = false;    // a map that comes next holds texts that hold JSON
  MadeTexts made_;
};

// Calls f(index) with `in` at each item of an array or map, whose count is checked.
template <class F>
void for_each_avro_item(AvroBytes& in, F&& f) {
  for (int64_t index = 0; in.ok();) {
    int64_t count = in.read_long();
    if (count == 0) return;
    if (count < 0) {
      in.read_long();  // bytes of the block
      if (count == INT64_MIN) return in.fail();
      count = -count;
    }
    for (int64_t i = 0; i < count && in.ok(); ++i) {
      if (index >= limits::kAvroItemsMax) return in.fail();
      f(index++);
    }
  }
}

// Reads records into slots and extra.
class AvroReader {
 public:
  AvroReader(const Mapping& mapping, RowWriter& writer)
      : mapping_(mapping), writer_(writer), slots_(static_cast<size_t>(mapping.slots())) {}

  // One record; false when the bytes do not fit the schema. Each event of it is `span` with the
  // next element.
  bool read(AvroBytes& in, const AvroNode& schema, event::RecordSpan& span);

 private:
  struct Element {
    std::string_view bytes;
    const AvroNode* schema;
    const PathNode* node;
    std::string key;
  };

  // What the fields of a record are to the rules, looked up once.
  struct Members {
    const AvroNode* record;
    const PathNode* node;
    std::vector<const PathNode*> nodes;
  };

  // A schema's plan, made once.
  struct Planned {
    const AvroNode* schema;
    std::optional<AvroPlan> plan;
  };

  const std::optional<AvroPlan>& plan_of(const AvroNode& schema);
  void read_members(AvroBytes& in, const AvroNode& schema);
  void read_field(AvroBytes& in, const AvroField& field, const PathNode* node, ExtraObject& extra,
                  int depth);
  const std::vector<const PathNode*>& nodes_of(const AvroNode& record, const PathNode& node);
  void write_element(const Element& element, event::RecordSpan& span);
  void read_value(AvroBytes& in, const AvroNode& schema, const PathNode* node, std::string_view key,
                  ExtraObject& extra, int depth);
  void read_record(AvroBytes& in, const AvroNode& schema, const PathNode& node,
                   std::string_view key, ExtraObject& extra, int depth);
  void read_map(AvroBytes& in, const AvroNode& schema, const PathNode& node, std::string_view key,
                ExtraObject& extra, int depth);
  void explode(AvroBytes& in, const AvroNode& schema, const PathNode& node, std::string_view key,
               int depth);
  Value read_plain(AvroBytes& in, const AvroNode& schema, int depth);

  const Mapping& mapping_;
  RowWriter& writer_;
  std::vector<Value> slots_;
  ExtraObject extra_;
  MadeTexts made_;
  std::vector<Planned> plans_;
  std::vector<Members> members_;
  std::vector<Element> exploded_;
  std::optional<PathNode> element_node_;  // the node that is exploded, as that of one element
  AvroJson json_;
};

}  // namespace adweave::decode
