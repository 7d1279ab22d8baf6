// SPDX-License-Identifier: Apache-2.0
#include "base/crc32c.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace adweave {
namespace {

std::string counting(int first, int step) {
  std::string bytes;
  for (int i = 0; i < 32; ++i) bytes += static_cast<char>(first + step * i);
  return bytes;
}

TEST(Crc32c, IsThatOfRfc3720) {
  const std::string read_command(
      "\x01\xc0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
      "\x14\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x14\x00\x00\x00\x18"
      "\x28\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00",
      48);
  const std::pair<std::string, uint32_t> known[] = {
      {std::string(32, '\0'), 0x8a9136aa},
      {std::string(32, '\xff'), 0x62a8ab43},
      {counting(0, 1), 0x46dd794e},
      {counting(31, -1), 0x113fdb5c},
      {read_command, 0xd9963a56},
      {"123456789", 0xe3069283},
      {"", 0},
  };
  for (const auto& [bytes, expected] : known) {
    EXPECT_EQ(crc32c(bytes), expected);
    EXPECT_EQ(crc32c_portable(bytes), expected);
  }
}

TEST(Crc32c, BothWaysAreEqualForEveryLengthAndAnyPieces) {
  std::mt19937_64 random(1);
  std::string bytes;
  for (int size = 0; size < 300; ++size) {
    const uint32_t whole = crc32c(bytes);
    EXPECT_EQ(whole, crc32c_portable(bytes)) << size;
    const size_t cut = random() % (bytes.size() + 1);
    const std::string_view view(bytes);
    EXPECT_EQ(crc32c(view.substr(cut), crc32c(view.substr(0, cut))), whole) << size;
    bytes += static_cast<char>(random());
  }
}

}  // namespace
}  // namespace adweave
