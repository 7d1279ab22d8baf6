// SPDX-License-Identifier: Apache-2.0
// Plain bytes -> compressed bytes.
#pragma once

#include <string>
#include <string_view>

namespace adweave::decode {

// Appends `data` to `out` as one frame of zstd with its checksum. The same bytes for the same data
// and version of zstd. Any thread.
void append_zstd_frame(std::string& out, std::string_view data);

}  // namespace adweave::decode
