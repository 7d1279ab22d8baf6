// SPDX-License-Identifier: Apache-2.0
// What a single Avro message begins with, by its framing. Inside decode/ only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "decode/spec.h"

namespace adweave::decode {

struct AvroMessageHeader {
  size_t size = 0;      // bytes before the data
  uint64_t schema = 0;  // id of the schema, or its fingerprint
};

// Null when the bytes do not begin with one. Of messages, not of containers.
std::optional<AvroMessageHeader> read_message_header(AvroFraming framing, std::string_view bytes);

}  // namespace adweave::decode
