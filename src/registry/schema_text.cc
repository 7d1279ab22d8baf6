// SPDX-License-Identifier: Apache-2.0
#include "registry/schema_text.h"

#include <algorithm>
#include <array>
#include <set>

namespace adweave::registry {

namespace {

bool is_primitive(std::string_view name) {
  static constexpr std::array<std::string_view, 8> kNames = {"null",  "boolean", "int",   "long",
                                                             "float", "double",  "bytes", "string"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// One part of a full name, or all of it when it has dots.
bool is_name(std::string_view text, bool may_have_dots) {
  bool at_begin = true;
  for (const char c : text) {
    if (c == '.') {
      if (at_begin || !may_have_dots) return false;
      at_begin = true;
      continue;
    }
    if (!is_letter(c) && (at_begin || c < '0' || c > '9')) return false;
    at_begin = false;
  }
  return !at_begin;
}

std::string full_name(const std::string& name, const std::string& space) {
  return space.empty() || name.find('.') != std::string::npos ? name : space + "." + name;
}

// Sorted by name, all through.
JsonValue sorted(const JsonValue& value) {
  if (const JsonValue::Array* array = value.as_array()) {
    JsonValue::Array items;
    for (const JsonValue& item : *array) items.push_back(sorted(item));
    return items;
  }
  if (value.as_object() == nullptr) return value;
  JsonValue::Object members;
  for (const auto& [name, member] : *value.as_object()) members.emplace_back(name, sorted(member));
  std::stable_sort(members.begin(), members.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return members;
}

// Goes over the schema as the parser of decode/ does; `space` is the enclosing namespace.
class Writer {
 public:
  Result<JsonValue> write(const JsonValue& json, const std::string& space) {
    if (const std::string* name = json.as_string()) return JsonValue(known(*name, space));
    if (const JsonValue::Array* branches = json.as_array()) return list(*branches, space);
    if (json.as_object() == nullptr)
      return wrong_schema("a type is neither name, object nor array");
    ADWEAVE_TRY(check_attributes(json));
    const JsonValue* type = json.find("type");
    if (type == nullptr) return wrong_schema("an object has no \"type\"");
    const std::string* name = type->as_string();
    if (name == nullptr) return with_type(json, *type, space);
    if (*name == "record" || *name == "error" || *name == "enum" || *name == "fixed")
      return named(json, space);
    if (*name == "array") return with_items(json, "items", space);
    if (*name == "map") return with_items(json, "values", space);
    return with_type(json, *type, space);
  }

 private:
  static Status check_attributes(const JsonValue& json) {
    std::set<std::string_view> seen;
    for (const auto& [name, value] : *json.as_object()) {
      if (!seen.insert(name).second)
        return wrong_schema("\"" + name + "\" is there twice in an object");
    }
    return {};
  }

  std::string known(const std::string& name, const std::string& space) const {
    if (is_primitive(name)) return name;
    std::string full = full_name(name, space);
    return names_.contains(full) ? full : name;
  }

  Result<JsonValue> list(const JsonValue::Array& types, const std::string& space) {
    JsonValue::Array items;
    for (const JsonValue& type : types) {
      ADWEAVE_ASSIGN(JsonValue item, write(type, space));
      items.push_back(std::move(item));
    }
    return JsonValue(std::move(items));
  }

  // An object around a type that stands for itself.
  Result<JsonValue> with_type(const JsonValue& json, const JsonValue& type,
                              const std::string& space) {
    ADWEAVE_ASSIGN(JsonValue inner, write(type, space));
    return json.as_object()->size() == 1 ? Result(std::move(inner))
                                         : Result(replaced(json, "type", inner));
  }

  Result<JsonValue> with_items(const JsonValue& json, const char* key, const std::string& space) {
    const JsonValue* item = json.find(key);
    if (item == nullptr) return wrong_schema(std::string("an array or map has no \"") + key + "\"");
    ADWEAVE_ASSIGN(JsonValue inner, write(*item, space));
    return replaced(json, key, inner);
  }

  static JsonValue replaced(const JsonValue& json, std::string_view key, const JsonValue& value) {
    JsonValue::Object members;
    for (const auto& [name, member] : *json.as_object())
      members.emplace_back(name, name == key ? value : sorted(member));
    std::stable_sort(members.begin(), members.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    return members;
  }

  Result<JsonValue> named(const JsonValue& json, const std::string& space) {
    const JsonValue* name = json.find("name");
    if (name == nullptr || name->as_string() == nullptr)
      return wrong_schema("a record, enum or fixed has no \"name\"");
    const JsonValue* stated = json.find("namespace");
    if (stated != nullptr && stated->as_string() == nullptr)
      return wrong_schema("the namespace of '" + *name->as_string() + "' is no text");
    const std::string full =
        full_name(*name->as_string(), stated != nullptr ? *stated->as_string() : space);
    if (!is_name(full, true)) {
      return wrong_schema(
          "'" + full + "' is no name",
          "begin each part of a name with a letter or _, then letters, digits and _");
    }
    names_.insert(full);
    const size_t dot = full.rfind('.');
    const std::string inner = dot == std::string::npos ? std::string() : full.substr(0, dot);

    JsonValue::Object members;
    for (const auto& [key, member] : *json.as_object()) {
      if (key == "namespace") continue;
      if (key == "name") {
        members.emplace_back(key, full);
      } else if (key == "aliases") {
        ADWEAVE_ASSIGN(JsonValue aliases, aliases_of(member, full, &inner));
        members.emplace_back(key, std::move(aliases));
      } else if (key == "symbols") {
        ADWEAVE_TRY(check_symbols(member, full));
        members.emplace_back(key, member);
      } else if (key == "fields") {
        ADWEAVE_ASSIGN(JsonValue fields, fields_of(member, full, inner));
        members.emplace_back(key, std::move(fields));
      } else {
        members.emplace_back(key, sorted(member));
      }
    }
    std::stable_sort(members.begin(), members.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    return JsonValue(std::move(members));
  }

  // Of a type when there is a namespace, else of a field.
  static Result<JsonValue> aliases_of(const JsonValue& json, const std::string& owner,
                                      const std::string* space) {
    if (json.as_array() == nullptr)
      return wrong_schema("the aliases of '" + owner + "' are no list");
    JsonValue aliases{JsonValue::Array{}};
    for (const JsonValue& item : *json.as_array()) {
      const std::string* text = item.as_string();
      if (text == nullptr || !is_name(*text, space != nullptr))
        return wrong_schema("an alias of '" + owner + "' is no name");
      aliases.push(space != nullptr ? full_name(*text, *space) : *text);
    }
    return aliases;
  }

  static Status check_symbols(const JsonValue& json, const std::string& owner) {
    const JsonValue::Array* symbols = json.as_array();
    if (symbols != nullptr && std::all_of(symbols->begin(), symbols->end(), [](const auto& symbol) {
          return symbol.as_string() != nullptr;
        })) {
      return {};
    }
    return wrong_schema("the symbols of '" + owner + "' are no list of texts");
  }

  Result<JsonValue> fields_of(const JsonValue& json, const std::string& record,
                              const std::string& space) {
    if (json.as_array() == nullptr)
      return wrong_schema("the fields of '" + record + "' are no list");
    JsonValue::Array fields;
    for (const JsonValue& item : *json.as_array()) {
      if (item.as_object() == nullptr)
        return wrong_schema("a field of '" + record + "' is no object");
      ADWEAVE_TRY(check_attributes(item));
      const JsonValue* name = item.find("name");
      if (name == nullptr || name->as_string() == nullptr || !is_name(*name->as_string(), false))
        return wrong_schema("a field of '" + record + "' has no \"name\" that is one");
      const std::string place = record + "." + *name->as_string();
      const JsonValue* type = item.find("type");
      if (type == nullptr) return wrong_schema("the field '" + place + "' has no \"type\"");
      ADWEAVE_ASSIGN(JsonValue inner, write(*type, space));
      JsonValue field = replaced(item, "type", inner);
      if (const JsonValue* aliases = item.find("aliases"))
        ADWEAVE_TRY(aliases_of(*aliases, place, nullptr));
      fields.push_back(std::move(field));
    }
    return JsonValue(std::move(fields));
  }

  std::set<std::string> names_;
};

}  // namespace

Error wrong_schema(std::string what, std::string fix) {
  return {ErrorCode::corrupt, "the Avro schema: " + std::move(what), std::move(fix)};
}

Result<std::string> identity_of(const JsonValue& schema) {
  ADWEAVE_ASSIGN(const JsonValue written, Writer().write(schema, ""));
  return written.dump();
}

}  // namespace adweave::registry
