// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <set>

#include "decode/avro_schema.h"

namespace adweave::decode {

namespace {

std::string_view primitive_name(AvroType type) {
  static constexpr std::array<std::string_view, 8> kNames = {"null",  "boolean", "int",   "long",
                                                             "float", "double",  "bytes", "string"};
  return kNames[static_cast<size_t>(type)];
}

class CanonicalWriter {
 public:
  std::string take() { return std::move(out_); }

  void write(const AvroNode& node) {
    switch (node.type) {
      case AvroType::union_type:
        return list('[', node.items, ']');
      case AvroType::array:
      case AvroType::map:
        out_ += node.type == AvroType::array ? R"({"type":"array","items":)"
                                             : R"({"type":"map","values":)";
        write(*node.items[0]);
        out_ += '}';
        return;
      case AvroType::record:
      case AvroType::enumeration:
      case AvroType::fixed:
        return named(node);
      default:
        return append_json_string(out_, primitive_name(node.type));
    }
  }

 private:
  void list(char open, const std::vector<const AvroNode*>& items, char close) {
    out_ += open;
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += ',';
      write(*items[i]);
    }
    out_ += close;
  }

  // A type that has been written before is its name alone.
  void named(const AvroNode& node) {
    if (!written_.insert(node.name).second) return append_json_string(out_, node.name);
    out_ += R"({"name":)";
    append_json_string(out_, node.name);
    if (node.type == AvroType::fixed) {
      out_ += R"(,"type":"fixed","size":)" + std::to_string(node.size);
    } else if (node.type == AvroType::enumeration) {
      out_ += R"(,"type":"enum","symbols":[)";
      for (size_t i = 0; i < node.symbols.size(); ++i) {
        if (i > 0) out_ += ',';
        append_json_string(out_, node.symbols[i]);
      }
      out_ += ']';
    } else {
      out_ += R"(,"type":"record","fields":[)";
      for (size_t i = 0; i < node.fields.size(); ++i) {
        out_ += i > 0 ? R"(,{"name":)" : R"({"name":)";
        append_json_string(out_, node.fields[i].name);
        out_ += R"(,"type":)";
        write(*node.fields[i].type);
        out_ += '}';
      }
      out_ += ']';
    }
    out_ += '}';
  }

  std::string out_;
  std::set<std::string> written_;
};

constexpr uint64_t kEmpty = 0xC15D213AA4D7A795;

constexpr std::array<uint64_t, 256> make_table() {
  std::array<uint64_t, 256> table{};
  for (uint64_t i = 0; i < table.size(); ++i) {
    uint64_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (kEmpty & (0 - (value & 1)));
    table[i] = value;
  }
  return table;
}

}  // namespace

std::string canonical_form(const AvroNode& root) {
  CanonicalWriter writer;
  writer.write(root);
  return writer.take();
}

uint64_t fingerprint(std::string_view canonical) {
  static constexpr std::array<uint64_t, 256> kTable = make_table();
  uint64_t value = kEmpty;
  for (const char byte : canonical)
    value = (value >> 8) ^ kTable[(value ^ static_cast<uint8_t>(byte)) & 0xFF];
  return value;
}

}  // namespace adweave::decode
