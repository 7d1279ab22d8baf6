// SPDX-License-Identifier: Apache-2.0
// How a call to another system that has failed is made again: the one policy of all such calls.
#pragma once

#include <cstdint>

namespace adweave {

// Waits that double from kRetryFirstUs to kRetryMostUs, each made shorter by up to a half at
// random, so that many that failed together do not come back together.
class Backoff {
 public:
  explicit Backoff(uint64_t seed) : random_(seed) {}

  // How long to wait now, after one more failure. Microseconds.
  int64_t next_us();
  void reset() { failures_ = 0; }

 private:
  uint64_t random_;
  int failures_ = 0;
};

}  // namespace adweave
