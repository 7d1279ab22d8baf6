// SPDX-License-Identifier: Apache-2.0
// Times that several tests use, in microseconds since 1970.
#pragma once

#include <cstdint>

namespace adweave::tests {

inline constexpr int64_t kNov1 = 1'698'796'800'000'000;  // 2023-11-01T00:00:00Z, a Wednesday
inline constexpr int64_t kNoon = 1'698'840'000'000'000;  // 2023-11-01T12:00:00Z

}  // namespace adweave::tests
