// SPDX-License-Identifier: Apache-2.0
// Avro object container files: header and blocks (specification 1.11, "Object Container Files").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "decode/decompress.h"

namespace adweave::decode {

struct AvroHeader {
  std::string schema;  // JSON
  BlockCodec codec = BlockCodec::null;
  std::string sync;  // 16 bytes
  size_t length = 0;
};

// Null: needs more bytes. Fails with io when the bytes are no Avro container or its codec is not
// known.
Result<std::optional<AvroHeader>> read_avro_header(std::string_view bytes);

struct AvroBlock {
  int64_t count = 0;      // records
  std::string_view data;  // as stored
  size_t end = 0;         // offset after its sync marker
  bool damaged = false;   // then `end` is after the next sync marker, or the end of the bytes
};

// The block that begins at `begin`; null: needs more bytes (never with at_end).
std::optional<AvroBlock> next_avro_block(std::string_view bytes, size_t begin,
                                         std::string_view sync, bool at_end);

}  // namespace adweave::decode
