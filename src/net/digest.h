// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace adweave::net {

// SHA-256 (FIPS 180-4), 64 lower-case hexadecimal digits: as `sha256sum` prints it.
std::string sha256_hex(std::string_view bytes);

// HMAC-SHA256 (RFC 2104), in the same digits: as `openssl dgst -sha256 -hmac KEY` prints it.
std::string hmac_sha256_hex(std::string_view key, std::string_view text);

// Whether two texts are the same, in a time that does not tell where they differ.
bool is_same_secret(std::string_view a, std::string_view b);

}  // namespace adweave::net
