// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <map>

#include "decode/avro_schema.h"

namespace adweave::decode {

namespace {

void append_long(std::string& out, int64_t number) {
  uint64_t bits = (static_cast<uint64_t>(number) << 1) ^ static_cast<uint64_t>(number >> 63);
  for (; bits >= 0x80; bits >>= 7) out += static_cast<char>(bits | 0x80);
  out += static_cast<char>(bits);
}

template <class Number>
void append_fixed(std::string& out, Number number) {
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  out.append(bytes, sizeof number);
}

// Avro writes bytes in JSON as the characters U+0000 to U+00FF.
std::string bytes_of(const std::string& text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    const bool two = byte >= 0xC2 && byte <= 0xC3 && i + 1 < text.size();
    bytes += two ? static_cast<char>((byte & 3) << 6 | (text[++i] & 0x3F)) : text[i];
  }
  return bytes;
}

// Appends default values in Avro's binary form; false when one does not fit its type.
bool encode(std::string& out, const JsonValue& json, const AvroNode& node);

bool encode_number(std::string& out, const JsonValue& json, AvroType type) {
  if (json.as_int() == nullptr && json.as_double() == nullptr) return false;
  const double number =
      json.as_int() != nullptr ? static_cast<double>(*json.as_int()) : *json.as_double();
  if (type == AvroType::double_type) {
    append_fixed(out, number);
  } else if (type == AvroType::float_type) {
    append_fixed(out, static_cast<float>(number));
  } else if (json.as_int() != nullptr) {
    append_long(out, *json.as_int());
  }
  return type == AvroType::float_type || type == AvroType::double_type || json.as_int() != nullptr;
}

bool encode_text(std::string& out, const std::string& text, const AvroNode& node) {
  const std::string bytes = node.type == AvroType::string ? text : bytes_of(text);
  if (node.type != AvroType::fixed) append_long(out, static_cast<int64_t>(bytes.size()));
  out += bytes;
  return node.type != AvroType::fixed || static_cast<int64_t>(bytes.size()) == node.size;
}

bool encode_symbol(std::string& out, const std::string& symbol, const AvroNode& node) {
  const auto it = std::find(node.symbols.begin(), node.symbols.end(), symbol);
  append_long(out, it - node.symbols.begin());
  return it != node.symbols.end();
}

bool encode_array(std::string& out, const JsonValue::Array& array, const AvroNode& item) {
  if (!array.empty()) append_long(out, static_cast<int64_t>(array.size()));
  const bool fits = std::all_of(array.begin(), array.end(),
                                [&](const JsonValue& value) { return encode(out, value, item); });
  append_long(out, 0);
  return fits;
}

bool encode_map(std::string& out, const JsonValue::Object& object, const AvroNode& item) {
  if (!object.empty()) append_long(out, static_cast<int64_t>(object.size()));
  const bool fits = std::all_of(object.begin(), object.end(), [&](const auto& member) {
    append_long(out, static_cast<int64_t>(member.first.size()));
    out += member.first;
    return encode(out, member.second, item);
  });
  append_long(out, 0);
  return fits;
}

bool encode_record(std::string& out, const JsonValue& json, const AvroNode& node) {
  return std::all_of(node.fields.begin(), node.fields.end(), [&](const AvroField& field) {
    const JsonValue* value = json.find(field.name);
    if (value == nullptr && field.fallback) value = &*field.fallback;
    return value != nullptr && encode(out, *value, *field.type);
  });
}

bool encode_union(std::string& out, const JsonValue& json, const AvroNode& node) {
  for (size_t i = 0; i < node.items.size(); ++i) {
    std::string branch;
    if (!encode(branch, json, *node.items[i])) continue;
    append_long(out, static_cast<int64_t>(i));
    out += branch;
    return true;
  }
  return false;
}

bool encode(std::string& out, const JsonValue& json, const AvroNode& node) {
  switch (node.type) {
    case AvroType::null_type:
      return json.is_null();
    case AvroType::boolean:
      if (json.as_bool() != nullptr) out += *json.as_bool() ? '\1' : '\0';
      return json.as_bool() != nullptr;
    case AvroType::int_type:
    case AvroType::long_type:
    case AvroType::float_type:
    case AvroType::double_type:
      return encode_number(out, json, node.type);
    case AvroType::string:
    case AvroType::bytes:
    case AvroType::fixed:
      return json.as_string() != nullptr && encode_text(out, *json.as_string(), node);
    case AvroType::enumeration:
      return json.as_string() != nullptr && encode_symbol(out, *json.as_string(), node);
    case AvroType::array:
      return json.as_array() != nullptr && encode_array(out, *json.as_array(), *node.items[0]);
    case AvroType::map:
      return json.as_object() != nullptr && encode_map(out, *json.as_object(), *node.items[0]);
    case AvroType::record:
      return encode_record(out, json, node);
    case AvroType::union_type:
      return encode_union(out, json, node);
    case AvroType::unresolved:
      return false;
  }
  return false;
}

std::string_view last_part(std::string_view name) {
  return name.substr(name.rfind('.') + 1);
}

bool is_text(AvroType type) {
  return type == AvroType::bytes || type == AvroType::string;
}

// int -> long -> float -> double, and bytes and strings as each other.
bool promotes(AvroType from, AvroType to) {
  const bool numbers = from >= AvroType::int_type && to <= AvroType::double_type && from < to;
  return numbers || (is_text(from) && is_text(to));
}

bool same_name(const AvroNode& writer, const AvroNode& reader) {
  return last_part(writer.name) == last_part(reader.name) ||
         std::find(reader.aliases.begin(), reader.aliases.end(), writer.name) !=
             reader.aliases.end();
}

}  // namespace

// Makes the node that reads the writer's bytes and names things as the reader does.
class AvroResolver {
 public:
  const AvroNode* resolve(const AvroNode& writer, const AvroNode& reader) {
    const auto key = std::pair(&writer, &reader);
    if (const auto it = done_.find(key); it != done_.end()) return it->second;
    if (writer.type != AvroType::union_type && reader.type == AvroType::union_type)
      return done_[key] = resolve_branch(writer, reader);
    AvroNode& node = schema.add(AvroType::unresolved);
    done_.emplace(key, &node);
    node.name = reader.name;
    if (writer.type == AvroType::union_type)
      resolve_union(node, writer, reader);
    else
      resolve_plain(node, writer, reader);
    return &node;
  }

  AvroSchema schema;
  std::string problem;

 private:
  void resolve_union(AvroNode& node, const AvroNode& writer, const AvroNode& reader) {
    node.type = AvroType::union_type;
    bool any = false;
    for (const AvroNode* branch : writer.items) {
      node.items.push_back(resolve(*branch, reader));
      any = any || node.items.back()->type != AvroType::unresolved;
    }
    if (!any) node.type = AvroType::unresolved;
  }

  // The first branch of the reader's union that fits: of the same type, else by promotion.
  const AvroNode* resolve_branch(const AvroNode& writer, const AvroNode& reader) {
    for (const bool exact : {true, false}) {
      for (const AvroNode* branch : reader.items) {
        if ((writer.type == branch->type) != exact) continue;
        const AvroNode* found = resolve(writer, *branch);
        if (found->type != AvroType::unresolved) return found;
      }
    }
    note("no branch of the reader's union takes what the writer wrote");
    return &schema.add(AvroType::unresolved);
  }

  void resolve_plain(AvroNode& node, const AvroNode& writer, const AvroNode& reader) {
    if (writer.type != reader.type) {
      if (!promotes(writer.type, reader.type)) return note("the types differ");
      // The bytes are the writer's; a text is read as the reader's kind of text.
      node.type = is_text(writer.type) ? reader.type : writer.type;
      node.logical = is_text(writer.type) ? reader.logical : writer.logical;
      node.scale = is_text(writer.type) ? reader.scale : writer.scale;
      return;
    }
    const bool named = !writer.name.empty();
    if (named && writer.type != AvroType::record && !same_name(writer, reader))
      return note("the name of '" + writer.name + "' differs");
    if (writer.type == AvroType::fixed && writer.size != reader.size)
      return note("the size of '" + writer.name + "' differs");
    node.type = writer.type;
    node.logical = reader.logical;
    node.scale = reader.scale;
    node.size = writer.size;
    if (writer.type == AvroType::record) resolve_record(node, writer, reader);
    if (writer.type == AvroType::enumeration) resolve_symbols(node, writer, reader);
    if (writer.type == AvroType::array || writer.type == AvroType::map) {
      node.items.push_back(resolve(*writer.items[0], *reader.items[0]));
      if (node.items[0]->type == AvroType::unresolved) node.type = AvroType::unresolved;
    }
  }

  void resolve_record(AvroNode& node, const AvroNode& writer, const AvroNode& reader) {
    std::vector<bool> given(reader.fields.size());
    for (const AvroField& field : writer.fields) {
      const auto it =
          std::find_if(reader.fields.begin(), reader.fields.end(), [&](const AvroField& wanted) {
            return wanted.name == field.name ||
                   std::find(wanted.aliases.begin(), wanted.aliases.end(), field.name) !=
                       wanted.aliases.end();
          });
      AvroField resolved;
      resolved.name = field.name;
      resolved.type = field.type;
      resolved.skipped = it == reader.fields.end();
      if (!resolved.skipped) {
        given[static_cast<size_t>(it - reader.fields.begin())] = true;
        resolved.name = it->name;
        resolved.type = resolve(*field.type, *it->type);
        if (resolved.type->type == AvroType::unresolved) node.type = AvroType::unresolved;
      }
      node.fields.push_back(std::move(resolved));
    }
    for (size_t i = 0; i < reader.fields.size(); ++i) {
      if (!given[i]) add_default(node, reader.fields[i]);
    }
  }

  void add_default(AvroNode& node, const AvroField& wanted) {
    AvroField field;
    field.name = wanted.name;
    field.type = wanted.type;
    field.encoded.emplace();
    const bool fits = wanted.fallback && encode(*field.encoded, *wanted.fallback, *wanted.type);
    node.fields.push_back(std::move(field));
    if (fits) return;
    node.type = AvroType::unresolved;
    note("the field '" + wanted.name + "' is not written and has no default of its type");
  }

  // A symbol that the reader does not know is its default, or cannot be read.
  static void resolve_symbols(AvroNode& node, const AvroNode& writer, const AvroNode& reader) {
    for (const std::string& symbol : writer.symbols) {
      const bool known =
          std::find(reader.symbols.begin(), reader.symbols.end(), symbol) != reader.symbols.end();
      node.symbols.push_back(known ? symbol : reader.symbol.value_or(""));
    }
  }

  void note(std::string what) {
    if (problem.empty()) problem = std::move(what);
  }

  std::map<std::pair<const AvroNode*, const AvroNode*>, const AvroNode*> done_;
};

Result<AvroSchema> resolve(const AvroSchema& writer, const AvroSchema& reader) {
  AvroResolver resolver;
  const AvroNode* root = resolver.resolve(writer.root(), reader.root());
  if (root->type == AvroType::unresolved) {
    return Error{ErrorCode::corrupt,
                 "the writer's Avro schema cannot be read by the reader's: " + resolver.problem};
  }
  resolver.schema.root_ = root;
  return std::move(resolver.schema);
}

}  // namespace adweave::decode
