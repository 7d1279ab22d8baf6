// SPDX-License-Identifier: Apache-2.0
// Bytes compressed on their own, as zstd frames: for projections that are no Parquet files.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace adweave::lake {

// Appends the frame to `out`.
void compress_block(std::string_view bytes, std::string& out);

// The `size` bytes that were compressed. Fails with corrupt.
Result<std::string> decompress_block(std::string_view frame, size_t size);

}  // namespace adweave::lake
