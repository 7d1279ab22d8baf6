// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648), the standard and the URL-safe alphabet, with or without padding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace adweave {

// Null when the text is not base64.
std::optional<std::string> decode_base64(std::string_view text);

// In the standard alphabet, padded.
std::string encode_base64(std::string_view bytes);

}  // namespace adweave
