// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli), as iSCSI has it (RFC 3720, appendix B.4). Finds every change of up to 32
// bits in a row; it is stored on disk, so it never changes.
#pragma once

#include <cstdint>
#include <string_view>

namespace adweave {

// Of `bytes`; of a stream of pieces with the value so far as `before`.
uint32_t crc32c(std::string_view bytes, uint32_t before = 0);

// The same without instructions of the processor.
uint32_t crc32c_portable(std::string_view bytes, uint32_t before = 0);

}  // namespace adweave
