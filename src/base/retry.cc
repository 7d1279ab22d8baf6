// SPDX-License-Identifier: Apache-2.0
#include "base/retry.h"

#include <algorithm>

#include "base/limits.h"

namespace adweave {

int64_t Backoff::next_us() {
  constexpr int kDoublingsMax = 20;
  const int64_t longest =
      std::min(limits::kRetryFirstUs << std::min(failures_++, kDoublingsMax), limits::kRetryMostUs);
  random_ = random_ * 6364136223846793005U + 1442695040888963407U;
  return longest - static_cast<int64_t>((random_ >> 33) % static_cast<uint64_t>(longest / 2));
}

}  // namespace adweave
