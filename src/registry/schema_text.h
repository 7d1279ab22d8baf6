// SPDX-License-Identifier: Apache-2.0
// One way to write an Avro schema. Inside registry/ only.
#pragma once

#include <string>

#include "base/json.h"

namespace adweave::registry {

// What Schema::identity() tells. Fails with corrupt when a name is none, or an attribute is there
// twice.
Result<std::string> identity_of(const JsonValue& schema);

// What is wrong with a schema.
Error wrong_schema(std::string what, std::string fix = {});

}  // namespace adweave::registry
