// SPDX-License-Identifier: Apache-2.0
#include "decode/avro_plan.h"

namespace adweave::decode {

namespace {

constexpr int kDepthMax = 16;  // deeper members are read as they come

bool is_scalar(AvroType type) {
  return type != AvroType::record && type != AvroType::array && type != AvroType::map &&
         type != AvroType::union_type && type != AvroType::unresolved;
}

AvroPlan::Step::Kind kind_of(const AvroNode& scalar) {
  using Kind = AvroPlan::Step::Kind;
  if (scalar.type == AvroType::string) return Kind::text;
  if (scalar.type != AvroType::long_type) return Kind::scalar;
  if (scalar.logical == AvroLogical::none) return Kind::integer;
  return scalar.logical == AvroLogical::timestamp_micros ? Kind::micros : Kind::scalar;
}

}  // namespace

std::optional<AvroPlan> AvroPlan::make(const AvroNode& schema, const Mapping& mapping) {
  const PathNode& root = mapping.tree();
  const bool plain = schema.type == AvroType::record && !root.explode && !root.children.empty();
  if (!plain) return std::nullopt;
  AvroPlan plan;
  plan.keeps_unread_ = mapping.collects_unread();
  for (const AvroField& field : schema.fields) {
    const PathNode* node = root.find(field.name);
    const size_t before = plan.steps_.size();
    if (!field.skipped && !field.encoded && plan.add_value(*field.type, node, 1)) continue;
    plan.steps_.resize(before);
    Step member;
    member.field = &field;
    member.path = node;
    plan.steps_.push_back(member);
  }
  return plan;
}

// False when a member needs AvroReader; then steps may have been added.
bool AvroPlan::add_record(const AvroNode& record, const PathNode& node, int depth) {
  for (const AvroField& field : record.fields) {
    if (field.skipped || field.encoded) return false;
    if (!add_value(*field.type, node.find(field.name), depth + 1)) return false;
  }
  return true;
}

bool AvroPlan::add_value(const AvroNode& schema, const PathNode* node, int depth) {
  if (depth > kDepthMax) return false;
  if (schema.type == AvroType::union_type) {
    if (schema.items.size() != 2) return false;
    const bool null_first = schema.items[0]->type == AvroType::null_type;
    if (!null_first && schema.items[1]->type != AvroType::null_type) return false;
    const size_t at = steps_.size();
    Step optional;
    optional.kind = Step::Kind::optional;
    optional.null_branch = null_first ? 0 : 1;
    optional.slot = node != nullptr ? node->slot : -1;
    steps_.push_back(optional);
    const bool added = add_value(*schema.items[null_first ? 1 : 0], node, depth + 1);
    steps_[at].steps = steps_.size() - at - 1;
    return added;
  }
  const bool is_slot = node != nullptr && node->slot >= 0;
  if (schema.type == AvroType::record && node != nullptr && !is_slot && !node->children.empty())
    return add_record(schema, *node, depth);
  if (!is_scalar(schema.type) || (!is_slot && keeps_unread_)) return false;
  Step step;
  step.kind = kind_of(schema);
  step.slot = is_slot ? node->slot : -1;
  step.node = &schema;
  steps_.push_back(step);
  return true;
}

}  // namespace adweave::decode
