// SPDX-License-Identifier: Apache-2.0
#include "registry/schema_rules.h"

#include <algorithm>
#include <set>

#include "base/limits.h"
#include "registry/schema_text.h"

namespace adweave::registry {

namespace {

using decode::AvroField;
using decode::AvroNode;
using decode::AvroType;

// Characters of a text that stands for bytes; -1: one of them is over U+00FF.
int64_t bytes_in(std::string_view text) {
  int64_t count = 0;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte > 0xC3) return -1;
    count += (byte & 0xC0) != 0x80 ? 1 : 0;
  }
  return count;
}

// Whether a default is a value of its type. What a record's default leaves out is checked where the
// record is described, so it is not looked at here.
class DefaultCheck {
 public:
  bool fits(const JsonValue& json, const AvroNode& node) {
    if (++steps_ > limits::kRegistryStepsMax) return false;
    switch (node.type) {
      case AvroType::null_type:
        return json.is_null();
      case AvroType::boolean:
        return json.as_bool() != nullptr;
      case AvroType::int_type:
        return json.as_int() != nullptr && *json.as_int() >= INT32_MIN &&
               *json.as_int() <= INT32_MAX;
      case AvroType::long_type:
        return json.as_int() != nullptr;
      case AvroType::float_type:
      case AvroType::double_type:
        return json.as_int() != nullptr || json.as_double() != nullptr;
      case AvroType::string:
        return json.as_string() != nullptr;
      case AvroType::bytes:
        return json.as_string() != nullptr && bytes_in(*json.as_string()) >= 0;
      case AvroType::fixed:
        return json.as_string() != nullptr && bytes_in(*json.as_string()) == node.size;
      case AvroType::enumeration:
        return json.as_string() != nullptr && std::find(node.symbols.begin(), node.symbols.end(),
                                                        *json.as_string()) != node.symbols.end();
      case AvroType::array:
        return json.as_array() != nullptr &&
               std::all_of(json.as_array()->begin(), json.as_array()->end(),
                           [&](const JsonValue& item) { return fits(item, *node.items[0]); });
      case AvroType::map:
        return json.as_object() != nullptr &&
               std::all_of(json.as_object()->begin(), json.as_object()->end(),
                           [&](const auto& item) { return fits(item.second, *node.items[0]); });
      case AvroType::record:
        return json.as_object() != nullptr &&
               std::all_of(node.fields.begin(), node.fields.end(), [&](const AvroField& field) {
                 const JsonValue* value = json.find(field.name);
                 return value != nullptr ? fits(*value, *field.type) : field.fallback.has_value();
               });
      case AvroType::union_type:
        return std::any_of(node.items.begin(), node.items.end(),
                           [&](const AvroNode* branch) { return fits(json, *branch); });
      case AvroType::unresolved:
        return false;
    }
    return false;
  }

 private:
  int64_t steps_ = 0;
};

Status check_record(const AvroNode& record) {
  std::set<std::string_view> names;
  for (const AvroField& field : record.fields) {
    const std::string place = "the field '" + record.name + "." + field.name + "'";
    if (!names.insert(field.name).second) return wrong_schema(place + " is there twice");
    if (field.fallback && !DefaultCheck().fits(*field.fallback, *field.type)) {
      return wrong_schema(
          place + " has a default that is not of its type",
          "give a default of its type, such as null for [\"null\", \"string\"], or none");
    }
  }
  return {};
}

bool is_symbol(std::string_view text) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !text.empty() && is_letter(text[0]) && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9');
  });
}

Status check_enum(const AvroNode& node) {
  std::set<std::string_view> symbols;
  for (const std::string& symbol : node.symbols) {
    const std::string place = "the symbol '" + symbol + "' of '" + node.name + "'";
    if (!is_symbol(symbol)) return wrong_schema(place + " is no name");
    if (!symbols.insert(symbol).second) return wrong_schema(place + " is there twice");
  }
  if (node.symbol && !symbols.contains(*node.symbol))
    return wrong_schema("the default '" + *node.symbol + "' of '" + node.name +
                        "' is none of its symbols");
  return {};
}

Status check_union(const AvroNode& node) {
  if (node.items.empty()) return wrong_schema("a union has no branch");
  std::set<std::pair<AvroType, std::string_view>> branches;
  for (const AvroNode* branch : node.items) {
    if (branch->type == AvroType::union_type) return wrong_schema("a union is a branch of a union");
    // Named types are told apart by their names alone.
    const AvroType type = branch->name.empty() ? branch->type : AvroType::unresolved;
    if (!branches.emplace(type, branch->name).second) {
      return wrong_schema("a union has two branches of the same type",
                          "give each type once; records, enums and fixed need names of their own");
    }
  }
  return {};
}

Status check_node(const AvroNode& node) {
  if (node.type == AvroType::record) return check_record(node);
  if (node.type == AvroType::enumeration) return check_enum(node);
  if (node.type == AvroType::union_type) return check_union(node);
  return {};
}

}  // namespace

Status check_rules(const AvroNode& root) {
  std::set<const AvroNode*> seen = {&root};
  std::vector<const AvroNode*> waiting = {&root};
  const auto visit = [&](const AvroNode* node) {
    if (seen.insert(node).second) waiting.push_back(node);
  };
  while (!waiting.empty()) {
    const AvroNode& node = *waiting.back();
    waiting.pop_back();
    ADWEAVE_TRY(check_node(node));
    for (const AvroNode* item : node.items) visit(item);
    for (const AvroField& field : node.fields) visit(field.type);
  }
  return {};
}

}  // namespace adweave::registry
