// SPDX-License-Identifier: Apache-2.0
#include "state/seen.h"

#include "base/check.h"

namespace adweave::state {

namespace {

constexpr int kElementBits = 20;
constexpr uint64_t kElementMask = (1U << kElementBits) - 1;

}  // namespace

uint64_t pack_position(int64_t offset, int32_t element) {
  CHECK(element + 1 >= 0 && static_cast<uint64_t>(element + 1) <= kElementMask);
  CHECK(offset >= 0 && offset < int64_t{1} << 44);
  return static_cast<uint64_t>(offset) << kElementBits | static_cast<uint64_t>(element + 1);
}

int64_t packed_offset(uint64_t position) {
  return static_cast<int64_t>(position >> kElementBits);
}
int32_t packed_element(uint64_t position) {
  return static_cast<int32_t>(position & kElementMask) - 1;
}

}  // namespace adweave::state
