// SPDX-License-Identifier: Apache-2.0
// An Avro schema (specification 1.12) as somebody registers it: whole, and right by every rule of
// the specification, so that whoever fetches it can read with it.
#pragma once

#include <string>
#include <string_view>

#include "decode/avro_schema.h"

namespace adweave::registry {

class Schema {
 public:
  // Fails with corrupt: what is wrong, and at which type or field.
  static Result<Schema> parse(std::string_view text);

  const decode::AvroNode& root() const { return nodes_.root(); }

  // The same for every way to write the schema: without spaces, attributes sorted, names in full,
  // {"type": "string"} as "string". Whatever has a meaning for somebody is in it: defaults,
  // aliases, logical types, doc, attributes of the user's own.
  const std::string& identity() const { return identity_; }

 private:
  explicit Schema(decode::AvroSchema nodes) : nodes_(std::move(nodes)) {}

  decode::AvroSchema nodes_;
  std::string identity_;
};

}  // namespace adweave::registry
