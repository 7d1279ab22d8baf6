// SPDX-License-Identifier: Apache-2.0
// An Avro schema (specification 1.11), parsed from its JSON.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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
};

// How a long or bytes is meant.
enum class AvroLogical { none, timestamp_millis, timestamp_micros, decimal };

struct AvroNode {
  AvroType type = AvroType::null_type;
  AvroLogical logical = AvroLogical::none;
  int scale = 0;                   // of a decimal
  int64_t size = 0;                // of a fixed
  std::vector<std::string> names;  // fields of a record, symbols of an enum
  std::vector<const AvroNode*>
      items;  // fields of a record, branches of a union, the item of an array or map
};

// Owns its nodes; a named type that is used again is the same node, so recursive schemas are fine.
class AvroSchema {
 public:
  // Fails with corrupt, naming what is wrong.
  static Result<AvroSchema> parse(std::string_view json);
  const AvroNode& root() const { return *root_; }

 private:
  friend class AvroSchemaParser;
  std::vector<std::unique_ptr<AvroNode>> nodes_;
  const AvroNode* root_ = nullptr;
};

}  // namespace adweave::decode
