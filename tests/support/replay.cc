// SPDX-License-Identifier: Apache-2.0
// Runs a fuzzer's function over the inputs that once broke it, and over an empty one: the program
// x_replay over those in tests/fuzz/x.
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr std::string_view kSuffix = "_replay";

TEST(FuzzerTest, EveryPastCrashIsGone) {
  std::string name = program_invocation_short_name;
  ASSERT_TRUE(name.ends_with(kSuffix));
  name.resize(name.size() - kSuffix.size());
  ASSERT_TRUE(std::filesystem::exists("tests/fuzz")) << "run it in the project's folder";
  const std::filesystem::path folder = "tests/fuzz/" + name;
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
