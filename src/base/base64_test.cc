// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <gtest/gtest.h>

namespace adweave {
namespace {

TEST(Base64, TestVectorsOfTheRfc) {
  EXPECT_EQ(decode_base64(""), "");
  EXPECT_EQ(decode_base64("Zg=="), "f");
  EXPECT_EQ(decode_base64("Zm8="), "fo");
  EXPECT_EQ(decode_base64("Zm9v"), "foo");
  EXPECT_EQ(decode_base64("Zm9vYg"), "foob");
  EXPECT_EQ(decode_base64("Zm9vYmE="), "fooba");
  EXPECT_EQ(decode_base64("-_8"), decode_base64("+/8="));
}

TEST(Base64, WhatIsEncodedIsDecoded) {
  EXPECT_EQ(encode_base64("fo"), "Zm8=");
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    EXPECT_EQ(decode_base64(encode_base64(bytes)), bytes);
    bytes += static_cast<char>(i);
  }
}

TEST(Base64, WhatItIsNot) {
  for (const char* text : {"Z", "Zg=", "Zg===", "Zm9v!", "Z g=", "====", "Zm9vY==="})
    EXPECT_FALSE(decode_base64(text)) << text;
}

}  // namespace
}  // namespace adweave
