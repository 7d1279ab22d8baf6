// SPDX-License-Identifier: Apache-2.0
#include "decode/avro_schema.h"

#include <algorithm>
#include <map>

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

constexpr int kDecimalScaleMax = 38;

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
  AvroNode& add(AvroType type) { return schema.add(type); }

  NodeResult primitive(AvroType type, const JsonValue& json) {
    AvroNode& node = add(type);
    set_logical(node, json);
    return &node;
  }

  // What makes no sense for the type is ignored, as the specification wants it.
  static void set_logical(AvroNode& node, const JsonValue& json) {
    struct Known {
      std::string_view name;
      AvroType type;
      AvroLogical logical;
    };
    static constexpr Known kKnown[] = {
        {"date", AvroType::int_type, AvroLogical::date},
        {"time-millis", AvroType::int_type, AvroLogical::time_millis},
        {"time-micros", AvroType::long_type, AvroLogical::time_micros},
        {"timestamp-millis", AvroType::long_type, AvroLogical::timestamp_millis},
        {"timestamp-micros", AvroType::long_type, AvroLogical::timestamp_micros},
        {"timestamp-nanos", AvroType::long_type, AvroLogical::timestamp_nanos},
        {"local-timestamp-millis", AvroType::long_type, AvroLogical::local_timestamp_millis},
        {"local-timestamp-micros", AvroType::long_type, AvroLogical::local_timestamp_micros},
        {"local-timestamp-nanos", AvroType::long_type, AvroLogical::local_timestamp_nanos},
        {"decimal", AvroType::bytes, AvroLogical::decimal},
        {"decimal", AvroType::fixed, AvroLogical::decimal},
        {"uuid", AvroType::string, AvroLogical::uuid},
        {"uuid", AvroType::fixed, AvroLogical::uuid},
        {"duration", AvroType::fixed, AvroLogical::duration},
    };
    const std::string logical = text_member(json, "logicalType");
    for (const Known& known : kKnown) {
      if (known.name == logical && known.type == node.type) node.logical = known.logical;
    }
    if (node.type == AvroType::fixed) {
      const int64_t size = node.logical == AvroLogical::uuid       ? 16
                           : node.logical == AvroLogical::duration ? 12
                                                                   : node.size;
      if (size != node.size) node.logical = AvroLogical::none;
    }
    if (node.logical == AvroLogical::decimal) {
      const Result<int64_t> scale = json.int_at("scale");
      node.scale = scale ? static_cast<int>(std::clamp<int64_t>(*scale, -1, 100)) : 0;
      if (node.scale < 0 || node.scale > kDecimalScaleMax) node.logical = AvroLogical::none;
    }
  }

  NodeResult named(const std::string& name, const std::string& space) {
    if (const auto it = primitives().find(name); it != primitives().end()) return &add(it->second);
    for (const std::string& full : {full_name(name, space), name}) {
      const auto it = types_.find(full);
      if (it != types_.end()) return it->second;
    }
    return schema_error("unknown type '" + name + "'");
  }

  static std::string full_name(const std::string& name, const std::string& space) {
    return space.empty() || name.find('.') != std::string::npos ? name : space + "." + name;
  }

  // Registers a named type; returns the namespace within it.
  Result<std::string> define(const JsonValue& json, const std::string& space, AvroNode& node) {
    const std::string name = text_member(json, "name");
    if (name.empty()) return schema_error("a record, enum or fixed without name");
    const JsonValue* stated = json.find("namespace");
    node.name = full_name(name, stated != nullptr ? text_member(json, "namespace") : space);
    const size_t dot = node.name.rfind('.');
    std::string inner = dot == std::string::npos ? std::string() : node.name.substr(0, dot);
    for (std::string& alias : texts(json, "aliases"))
      node.aliases.push_back(full_name(alias, inner));
    if (!types_.emplace(node.name, &node).second)
      return schema_error("the type '" + node.name + "' is defined twice");
    return inner;
  }

  static std::vector<std::string> texts(const JsonValue& json, std::string_view key) {
    std::vector<std::string> texts;
    const JsonValue* list = json.find(key);
    if (list == nullptr || list->as_array() == nullptr) return texts;
    for (const JsonValue& item : *list->as_array()) {
      if (item.as_string() != nullptr) texts.push_back(*item.as_string());
    }
    return texts;
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
    ADWEAVE_ASSIGN(const std::string inner, define(json, space, node));
    ADWEAVE_ASSIGN(const JsonValue::Array* fields, json.array_at("fields"));
    for (const JsonValue& field_json : *fields) {
      const JsonValue* type = field_json.find("type");
      if (type == nullptr) return schema_error("a field without type");
      AvroField field;
      field.name = text_member(field_json, "name");
      ADWEAVE_ASSIGN(field.type, parse(*type, inner, depth + 1));
      field.aliases = texts(field_json, "aliases");
      if (const JsonValue* fallback = field_json.find("default")) field.fallback = *fallback;
      node.fields.push_back(std::move(field));
    }
    return &node;
  }

  NodeResult parse_enum(const JsonValue& json, const std::string& space) {
    AvroNode& node = add(AvroType::enumeration);
    ADWEAVE_TRY(define(json, space, node));
    ADWEAVE_TRY(json.array_at("symbols"));
    node.symbols = texts(json, "symbols");
    if (const JsonValue* symbol = json.find("default"); symbol != nullptr && symbol->as_string())
      node.symbol = *symbol->as_string();
    return &node;
  }

  NodeResult parse_fixed(const JsonValue& json, const std::string& space) {
    AvroNode& node = add(AvroType::fixed);
    ADWEAVE_TRY(define(json, space, node));
    ADWEAVE_ASSIGN(node.size, json.int_at("size"));
    if (node.size < 0 || node.size > limits::kAvroBlockBytesMax)
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
