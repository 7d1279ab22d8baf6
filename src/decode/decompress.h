// SPDX-License-Identifier: Apache-2.0
// Compressed bytes -> plain bytes, as a stream or block by block.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "decode/spec.h"
#include "event/content.h"

namespace adweave::decode {

// One stream after the other, as `cat a.gz b.gz` makes them. Not for Compression::detect and none.
std::unique_ptr<event::ByteTransform> make_decompressor(Compression compression);

// By the first bytes; `none` when they are of no compression that we know.
Compression detect_compression(std::string_view start);

// The codecs of Avro blocks.
enum class BlockCodec { null, deflate, snappy, zstandard, bzip2, xz };
std::optional<BlockCodec> parse_block_codec(std::string_view name);

// A block's plain bytes: `data` itself, or made in `buffer`. Null when it is damaged or larger than
// `bytes_max`.
std::optional<std::string_view> decompress_block(BlockCodec codec, std::string_view data,
                                                 int64_t bytes_max, std::string& buffer);

}  // namespace adweave::decode
