// SPDX-License-Identifier: Apache-2.0
// An Avro schema (specification 1.12), parsed from its JSON. For decode/ and registry/.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace adweave::decode {

enum class AvroType {
  null_type,
  boolean,
  int_type,
  long_type,
  float_type,
  double_type,
  bytes,
  string,
  record,
  enumeration,
  array,
  map,
  fixed,
  union_type,
  unresolved,  // after resolve(): the writer's type cannot be read as the reader's
};

// How an int, long, bytes, string or fixed is meant.
enum class AvroLogical {
  none,
  date,
  time_millis,
  time_micros,
  timestamp_millis,
  timestamp_micros,
  timestamp_nanos,
  local_timestamp_millis,
  local_timestamp_micros,
  local_timestamp_nanos,
  decimal,
  uuid,
  duration,
};

struct AvroNode;

// Of a record.
struct AvroField {
  std::string name;
  const AvroNode* type = nullptr;
  std::vector<std::string> aliases;
  std::optional<JsonValue> fallback;  // "default"
  // After resolve():
  bool skipped = false;                // the reader does not know it
  std::optional<std::string> encoded;  // the writer does not know it: its default, encoded
};

struct AvroNode {
  AvroType type = AvroType::null_type;
  AvroLogical logical = AvroLogical::none;
  int scale = 0;                       // of a decimal
  int64_t size = 0;                    // of a fixed
  std::string name;                    // full name of a record, enum or fixed
  std::vector<std::string> aliases;    // full names
  std::vector<AvroField> fields;       // of a record
  std::vector<std::string> symbols;    // of an enum
  std::optional<std::string> symbol;   // default of an enum
  std::vector<const AvroNode*> items;  // branches of a union, the item of an array or map
};

// Owns its nodes; a named type that is used again is the same node, so recursive schemas are fine.
class AvroSchema {
 public:
  // Fails with corrupt, naming what is wrong.
  static Result<AvroSchema> parse(std::string_view json);
  const AvroNode& root() const { return *root_; }

 private:
  friend class AvroSchemaParser;
  friend class AvroResolver;
  friend Result<AvroSchema> resolve(const AvroSchema& writer, const AvroSchema& reader);
  AvroNode& add(AvroType type) {
    nodes_.push_back(std::make_unique<AvroNode>());
    nodes_.back()->type = type;
    return *nodes_.back();
  }

  std::vector<std::unique_ptr<AvroNode>> nodes_;
  const AvroNode* root_ = nullptr;
};

// Parsing Canonical Form: what of a schema matters for reading.
std::string canonical_form(const AvroNode& root);
// CRC-64-AVRO of a canonical form.
uint64_t fingerprint(std::string_view canonical);

// Schema Resolution: data written by `writer` as `reader` wants it: fields by name or alias,
// defaults, promoted numbers, enum defaults. Where a part of them cannot be resolved the node is
// `unresolved`, and only data that have it cannot be read. Fails with corrupt when nothing can:
// what does not fit.
Result<AvroSchema> resolve(const AvroSchema& writer, const AvroSchema& reader);

}  // namespace adweave::decode
