// SPDX-License-Identifier: Apache-2.0
#include "decode/avro_reader.h"

#include "base/limits.h"
#include "decode/avro_skip.h"

namespace adweave::decode {

bool AvroReader::read(AvroBytes& in, const AvroNode& schema, event::RecordSpan& span) {
  for (Value& slot : slots_) slot.kind = Value::Kind::absent;
  extra_.clear();
  made_.clear();
  exploded_.clear();
  if (mapping_.whole() >= 0) {
    AvroBytes copy = in;
    std::string& text = made_.add();
    json_.append(text, copy, schema, 0);
    slots_[static_cast<size_t>(mapping_.whole())] = Value::of_json(text);
    if (mapping_.only_whole()) in = copy;
  }
  if (!mapping_.only_whole()) read_members(in, schema);
  if (!in.ok()) return false;
  if (exploded_.empty()) {
    ++span.element;
    writer_.write(slots_, extra_, span);
    return true;
  }
  for (const Element& element : exploded_) write_element(element, span);
  return true;
}

void AvroReader::read_members(AvroBytes& in, const AvroNode& schema) {
  const std::optional<AvroPlan>& plan = plan_of(schema);
  if (!plan) return read_value(in, schema, &mapping_.tree(), "", extra_, 0);
  plan->run(in, slots_, made_, [&](AvroBytes& at, const AvroPlan::Step& step) {
    read_field(at, *step.field, step.path, extra_, 0);
  });
}

const std::optional<AvroPlan>& AvroReader::plan_of(const AvroNode& schema) {
  for (const Planned& known : plans_) {
    if (known.schema == &schema) return known.plan;
  }
  return plans_.emplace_back(Planned{&schema, AvroPlan::make(schema, mapping_)}).plan;
}

void AvroReader::write_element(const Element& element, event::RecordSpan& span) {
  for (int slot = 0; slot < mapping_.slots(); ++slot) {
    if (mapping_.of_element(slot)) slots_[static_cast<size_t>(slot)] = Value();
  }
  AvroBytes in(element.bytes);
  ExtraObject holder;
  if (!element_node_) {
    element_node_ = *element.node;
    element_node_->explode = false;
  }
  read_value(in, *element.schema, &*element_node_, element.key, holder, 0);
  ExtraObject extra = extra_;
  if (!holder.empty()) extra.append(holder);
  ++span.element;
  writer_.write(slots_, extra, span);
}

// Reads a value: into the slot of `node`, or into `extra` under `key` when no rule reads it.
void AvroReader::read_value(AvroBytes& in, const AvroNode& schema, const PathNode* node,
                            std::string_view key, ExtraObject& extra, int depth) {
  if (depth > limits::kNestingMax) return in.fail();
  if (schema.type == AvroType::union_type) {
    const int64_t branch = in.read_long();
    if (branch < 0 || branch >= static_cast<int64_t>(schema.items.size())) return in.fail();
    return read_value(in, *schema.items[static_cast<size_t>(branch)], node, key, extra, depth + 1);
  }
  if (node != nullptr && node->explode && schema.type == AvroType::array) {
    return for_each_avro_item(in,
                              [&](int64_t) { explode(in, *schema.items[0], *node, key, depth); });
  }
  if (node != nullptr && node->slot < 0 && !node->children.empty()) {
    if (schema.type == AvroType::record) return read_record(in, schema, *node, key, extra, depth);
    if (schema.type == AvroType::map) return read_map(in, schema, *node, key, extra, depth);
    if (schema.type == AvroType::array) {
      return for_each_avro_item(in, [&](int64_t i) {
        read_value(in, *schema.items[0], node->find(i),
                   std::string(key) + "[" + std::to_string(i) + "]", extra, depth + 1);
      });
    }
  }
  if (node != nullptr && node->slot >= 0) {
    slots_[static_cast<size_t>(node->slot)] = read_plain(in, schema, depth);
    return;
  }
  const Value value = read_plain(in, schema, depth);
  const bool kept = mapping_.collects_unread() && value.kind != Value::Kind::null;
  if (in.ok() && kept) extra.add(key, value);
}

void AvroReader::read_record(AvroBytes& in, const AvroNode& schema, const PathNode& node,
                             std::string_view key, ExtraObject& extra, int depth) {
  const bool root = depth == 0 && key.empty();
  ExtraObject inner;
  const PathNode* const* next = nodes_of(schema, node).data();
  for (const AvroField& field : schema.fields) {
    if (!in.ok()) return;
    read_field(in, field, *next++, root ? extra : inner, depth);
  }
  if (!inner.empty()) extra.add(key, inner.to_json());
}

void AvroReader::read_field(AvroBytes& in, const AvroField& field, const PathNode* node,
                            ExtraObject& extra, int depth) {
  if (field.skipped) return skip_avro(in, *field.type, depth + 1);
  AvroBytes fallback(field.encoded ? *field.encoded : std::string_view());
  read_value(field.encoded ? fallback : in, *field.type, node, field.name, extra, depth + 1);
}

const std::vector<const PathNode*>& AvroReader::nodes_of(const AvroNode& record,
                                                         const PathNode& node) {
  for (const Members& known : members_) {
    if (known.record == &record && known.node == &node) return known.nodes;
  }
  std::vector<const PathNode*> nodes;
  for (const AvroField& field : record.fields) nodes.push_back(node.find(field.name));
  return members_.emplace_back(Members{&record, &node, std::move(nodes)}).nodes;
}

void AvroReader::read_map(AvroBytes& in, const AvroNode& schema, const PathNode& node,
                          std::string_view key, ExtraObject& extra, int depth) {
  ExtraObject inner;
  for_each_avro_item(in, [&](int64_t) {
    const std::string_view name = in.read_sized();
    read_value(in, *schema.items[0], node.find(name), name, inner, depth + 1);
  });
  if (!inner.empty()) extra.add(key, inner.to_json());
}

// Remembers an element's bytes; its events are written once the rest of the record is known.
void AvroReader::explode(AvroBytes& in, const AvroNode& schema, const PathNode& node,
                         std::string_view key, int depth) {
  const AvroBytes begin = in;
  skip_avro(in, schema, depth + 1);
  AvroBytes again = begin;
  const auto size = static_cast<int64_t>(in.position() - begin.position());
  if (!in.ok() || exploded_.size() >= static_cast<size_t>(limits::kExplodeMax)) return in.fail();
  exploded_.push_back({again.read(size), &schema, &node, std::string(key)});
}

// A value that is read as one: nested types as JSON text.
Value AvroReader::read_plain(AvroBytes& in, const AvroNode& schema, int depth) {
  switch (schema.type) {
    case AvroType::union_type:
    case AvroType::record:
    case AvroType::array:
    case AvroType::map: {
      std::string& text = made_.add();
      json_.append(text, in, schema, depth);
      return in.ok() ? Value::of_json(text) : Value();
    }
    default:
      return read_avro_scalar(in, schema, made_);
  }
}

}  // namespace adweave::decode
