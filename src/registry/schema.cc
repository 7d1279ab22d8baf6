// SPDX-License-Identifier: Apache-2.0
#include "registry/schema.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "registry/schema_rules.h"
#include "registry/schema_text.h"

namespace adweave::registry {

Result<Schema> Schema::parse(std::string_view text) {
  if (static_cast<int64_t>(text.size()) > limits::kRegistrySchemaBytesMax) {
    return Error{ErrorCode::corrupt,
                 fmt::format("the Avro schema has {} bytes, the most are {}", text.size(),
                             limits::kRegistrySchemaBytesMax),
                 "split it into several records"};
  }
  ADWEAVE_ASSIGN(const JsonValue json, parse_json(text));
  ADWEAVE_ASSIGN(std::string identity, identity_of(json));
  ADWEAVE_ASSIGN(decode::AvroSchema nodes, decode::AvroSchema::parse(text));
  ADWEAVE_TRY(check_rules(nodes.root()));
  Schema schema(std::move(nodes));
  schema.identity_ = std::move(identity);
  return schema;
}

}  // namespace adweave::registry
