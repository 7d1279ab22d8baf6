// SPDX-License-Identifier: Apache-2.0
// Distinct strings under small numbers, so that state holds each once. Code 0 is "no value".
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/text_index.h"
#include "state/byte_stream.h"

namespace adweave::state {

class StringPool {
 public:
  static constexpr uint32_t kNone = 0;

  StringPool() { strings_.emplace_back(); }
  StringPool(const StringPool&) = delete;
  StringPool& operator=(const StringPool&) = delete;

  uint32_t code_of(std::string_view text) {
    const auto next = static_cast<uint32_t>(strings_.size());
    const uint32_t code = codes_.code_of(
        text, next, [&](uint32_t known) { return std::string_view(strings_[known]); });
    if (code == next) strings_.emplace_back(text);
    return code;
  }
  const std::string& operator[](uint32_t code) const { return strings_[code]; }

  void save(ByteWriter& out) const {
    out.number(static_cast<uint64_t>(strings_.size() - 1));
    for (size_t code = 1; code < strings_.size(); ++code) out.text(strings_[code]);
  }
  void load(ByteReader& in) {
    for (uint64_t left = in.count(sizeof(uint64_t)); left > 0; --left) code_of(in.text());
  }

 private:
  std::deque<std::string> strings_;
  TextIndex codes_;
};

}  // namespace adweave::state
