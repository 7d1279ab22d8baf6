// SPDX-License-Identifier: Apache-2.0
// A fuzzer with a planted bug, which must be found: it shows that the fuzzers can fail.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!text.starts_with("BUG")) return 0;
  const std::vector<char> small(text.begin(), text.end());
  volatile char beyond = small.data()[size];  // one byte after the end
  (void)beyond;
  return 0;
}
