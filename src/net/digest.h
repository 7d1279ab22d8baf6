// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace adweave::net {

// SHA-256 (FIPS 180-4), 64 lower-case hexadecimal digits: as `sha256sum` prints it.
std::string sha256_hex(std::string_view bytes);

// Whether two texts are the same, in a time that does not tell where they differ.
bool is_same_secret(std::string_view a, std::string_view b);

}  // namespace adweave::net
