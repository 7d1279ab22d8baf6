// SPDX-License-Identifier: Apache-2.0
// Inside decode/ only.
#pragma once

#include "decode/avro_bytes.h"
#include "decode/avro_schema.h"

namespace adweave::decode {

// Passes over the next value; `in` fails where the bytes do not fit the schema, nest too deeply or
// hold more values than a block has bytes.
void skip_avro(AvroBytes& in, const AvroNode& schema, int depth = 0);

}  // namespace adweave::decode
