// SPDX-License-Identifier: Apache-2.0
// Random numbers that are the same on every machine (SplitMix64, Steele and others 2014).
#pragma once

#include <cmath>
#include <cstdint>

namespace adweave::source {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  // 0 .. n-1
  int64_t below(int64_t n) { return static_cast<int64_t>(next() % static_cast<uint64_t>(n)); }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  bool chance(double probability) { return unit() < probability; }
  // 0 .. n-1, small numbers far more often (density falls with the square).
  int64_t skewed(int64_t n) {
    const double u = unit();
    return static_cast<int64_t>(static_cast<double>(n) * u * u * u);
  }

 private:
  uint64_t state_;
};

}  // namespace adweave::source
