// SPDX-License-Identifier: Apache-2.0
// The rules of the specification that the parser of decode/ does not need. Inside registry/ only.
#pragma once

#include "decode/avro_schema.h"

namespace adweave::registry {

// Fields, symbols and the branches of a union are there once, no union is in a union, every default
// is of its type. Fails with corrupt: what is wrong and where.
Status check_rules(const decode::AvroNode& root);

}  // namespace adweave::registry
