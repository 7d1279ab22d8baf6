// SPDX-License-Identifier: Apache-2.0
// Distinct strings under small numbers, so that state holds each once. Code 0 is "no value".
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "state/byte_stream.h"

namespace adweave::state {

class StringPool {
 public:
  static constexpr uint32_t kNone = 0;

  StringPool() { strings_.emplace_back(); }
  StringPool(const StringPool&) = delete;
  StringPool& operator=(const StringPool&) = delete;

  uint32_t code_of(std::string_view text) {
    const auto it = codes_.find(text);
    if (it != codes_.end()) return it->second;
    const std::string& kept = strings_.emplace_back(text);
    const auto code = static_cast<uint32_t>(strings_.size() - 1);
    codes_.emplace(kept, code);
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
  std::unordered_map<std::string_view, uint32_t> codes_;
};

}  // namespace adweave::state
