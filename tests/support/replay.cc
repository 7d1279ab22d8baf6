// SPDX-License-Identifier: Apache-2.0
// Runs a fuzzer's function over the inputs that once broke it, and over an empty one.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

TEST(FuzzerTest, EveryPastCrashIsGone) {
  const std::filesystem::path folder = ADWEAVE_REPLAY;
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(""), 0);
  if (!std::filesystem::exists(folder)) return;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    SCOPED_TRACE(entry.path());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  }
}

}  // namespace
