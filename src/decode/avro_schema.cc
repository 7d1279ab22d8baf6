// SPDX-License-Identifier: Apache-2.0
#include "decode/avro_schema.h"

#include <map>
#include <optional>

#include "base/json.h"
#include "base/limits.h"

namespace adweave::decode {

namespace {

const std::map<std::string_view, AvroType>& primitives() {
  static const std::map<std::string_view, AvroType> kPrimitives = {
      {"null", AvroType::null_type},   {"boolean", AvroType::boolean},
      {"int", AvroType::int_type},     {"long", AvroType::long_type},
      {"float", AvroType::float_type}, {"double", AvroType::double_type},
      {"bytes", AvroType::bytes},      {"string", AvroType::string}};
  return kPrimitives;
}

Error schema_error(std::string what) {
  return {ErrorCode::corrupt, "the Avro schema: " + std::move(what)};
}

std::string text_member(const JsonValue& json, std::string_view key) {
  const JsonValue* value = json.find(key);
  return value != nullptr && value->as_string() != nullptr ? *value->as_string() : std::string();
}

}  // namespace

// Walks the schema's JSON; `space` is the enclosing namespace.
class AvroSchemaParser {
 public:
  using NodeResult = Result<const AvroNode*>;

  NodeResult parse(const JsonValue& json, const std::string& space, int depth) {
    if (depth > limits::kNestingMax) return schema_error("nested too deeply");
    if (const std::string* name = json.as_string()) return named(*name, space);
    if (const JsonValue::Array* branches = json.as_array())
      return parse_union(*branches, space, depth);
    if (json.as_object() == nullptr) return schema_error("neither name, object nor array");
    const JsonValue* type = json.find("type");
    if (type == nullptr) return schema_error("an object without type");
    const std::string* name = type->as_string();
    if (name == nullptr) return parse(*type, space, depth + 1);
    if (const auto it = primitives().find(*name); it != primitives().end())
      return primitive(it->second, json);
    if (*name == "record" || *name == "error") return parse_record(json, space, depth);
    if (*name == "enum") return parse_enum(json, space);
    if (*name == "fixed") return parse_fixed(json, space);
    if (*name == "array") return parse_item(AvroType::array, json, "items", space, depth);
    if (*name == "map") return parse_item(AvroType::map, json, "values", space, depth);
    return named(*name, space);
  }

  AvroSchema schema;

 private:
  AvroNode& add(AvroType type) {
    AvroNode& node = *schema.nodes_.emplace_back(std::make_unique<AvroNode>());
    node.type = type;
    return node;
  }

  NodeResult primitive(AvroType type, const JsonValue& json) {
    AvroNode& node = add(type);
    set_logical(node, json);
    return &node;
  }

  static void set_logical(AvroNode& node, const JsonValue& json) {
    const std::string logical = text_member(json, "logicalType");
    const bool is_long = node.type == AvroType::long_type;
    const bool is_bytes = node.type == AvroType::bytes || node.type == AvroType::fixed;
    if (is_long && logical == "timestamp-millis") node.logical = AvroLogical::timestamp_millis;
    if (is_long && logical == "timestamp-micros") node.logical = AvroLogical::timestamp_micros;
    if (is_bytes && logical == "decimal") {
      const Result<int64_t> scale = json.int_at("scale");
      node.logical = AvroLogical::decimal;
      node.scale = scale ? static_cast<int>(*scale) : 0;
    }
  }

  NodeResult named(const std::string& name, const std::string& space) {
    if (const auto it = primitives().find(name); it != primitives().end()) return &add(it->second);
    for (const std::string& full :
         {space.empty() || name.find('.') != name.npos ? name : space + "." + name, name}) {
      const auto it = types_.find(full);
      if (it != types_.end()) return it->second;
    }
    return schema_error("unknown type '" + name + "'");
  }

  // Registers a named type; returns the namespace within it.
  std::string define(const JsonValue& json, const std::string& space, const AvroNode& node) {
    const std::string name = text_member(json, "name");
    const JsonValue* stated = json.find("namespace");
    std::string inner = stated != nullptr ? text_member(json, "namespace") : space;
    std::string full = inner.empty() ? name : inner + "." + name;
    if (const size_t dot = name.rfind('.'); dot != std::string::npos) {
      inner = name.substr(0, dot);
      full = name;
    }
    types_[full] = &node;
    return inner;
  }

  NodeResult parse_union(const JsonValue::Array& branches, const std::string& space, int depth) {
    AvroNode& node = add(AvroType::union_type);
    for (const JsonValue& branch : branches) {
      ADWEAVE_ASSIGN(const AvroNode* item, parse(branch, space, depth + 1));
      node.items.push_back(item);
    }
    return &node;
  }

  NodeResult parse_record(const JsonValue& json, const std::string& space, int depth) {
    AvroNode& node = add(AvroType::record);
    const std::string inner = define(json, space, node);
    ADWEAVE_ASSIGN(const JsonValue::Array* fields, json.array_at("fields"));
    for (const JsonValue& field : *fields) {
      const JsonValue* type = field.find("type");
      if (type == nullptr) return schema_error("a field without type");
      ADWEAVE_ASSIGN(const AvroNode* item, parse(*type, inner, depth + 1));
      node.names.push_back(text_member(field, "name"));
      node.items.push_back(item);
    }
    return &node;
  }

  NodeResult parse_enum(const JsonValue& json, const std::string& space) {
    AvroNode& node = add(AvroType::enumeration);
    define(json, space, node);
    ADWEAVE_ASSIGN(const JsonValue::Array* symbols, json.array_at("symbols"));
    for (const JsonValue& symbol : *symbols) {
      if (symbol.as_string() == nullptr) return schema_error("an enum symbol that is no text");
      node.names.push_back(*symbol.as_string());
    }
    return &node;
  }

  NodeResult parse_fixed(const JsonValue& json, const std::string& space) {
    AvroNode& node = add(AvroType::fixed);
    define(json, space, node);
    ADWEAVE_ASSIGN(node.size, json.int_at("size"));
    if (node.size < 0 || node.size > limits::kEventBytesMax)
      return schema_error("a fixed of impossible size");
    set_logical(node, json);
    return &node;
  }

  NodeResult parse_item(AvroType type, const JsonValue& json, const char* key,
                        const std::string& space, int depth) {
    AvroNode& node = add(type);
    const JsonValue* item_json = json.find(key);
    if (item_json == nullptr) return schema_error(std::string("an array or map without ") + key);
    ADWEAVE_ASSIGN(const AvroNode* item, parse(*item_json, space, depth + 1));
    node.items.push_back(item);
    return &node;
  }

  std::map<std::string, const AvroNode*> types_;
};

Result<AvroSchema> AvroSchema::parse(std::string_view text) {
  ADWEAVE_ASSIGN(const JsonValue json, parse_json(text));
  AvroSchemaParser parser;
  ADWEAVE_ASSIGN(const AvroNode* root, parser.parse(json, "", 0));
  parser.schema.root_ = root;
  return std::move(parser.schema);
}

}  // namespace adweave::decode
