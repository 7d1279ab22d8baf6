// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <gtest/gtest.h>

namespace adweave {
namespace {

TEST(Utf8, EveryCodePointIsUtf8AndLosesItByALostByte) {
  for (uint32_t code = 0; code <= 0x10FFFF; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;  // surrogates
    std::string text;
    append_utf8(text, code);
    ASSERT_TRUE(is_utf8(text)) << code;
    ASSERT_TRUE(is_utf8("a" + text + "b")) << code;
    if (text.size() == 1) continue;
    ASSERT_FALSE(is_utf8(text.substr(1))) << code;
    ASSERT_FALSE(is_utf8(text.substr(0, text.size() - 1) + "b")) << code;
    ASSERT_FALSE(is_utf8(text.substr(0, text.size() - 1))) << code;
  }
}

TEST(Utf8, WhatIsNoCodePointIsNone) {
  for (const char* text : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80",
                           "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    EXPECT_FALSE(is_utf8(text));
  }
}

}  // namespace
}  // namespace adweave
