// SPDX-License-Identifier: Apache-2.0
// Distinct strings under small numbers, so that state holds each once. Code 0 is "no value".
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "state/byte_stream.h"

namespace adweave::state {

class StringPool {
 public:
  static constexpr uint32_t kNone = 0;

  StringPool() { strings_.emplace_back(); }
  StringPool(const StringPool&) = delete;
  StringPool& operator=(const StringPool&) = delete;

  uint32_t code_of(std::string_view text) {
    if (2 * strings_.size() > slots_.size()) grow();
    const uint64_t hash = hash64(text);
    const auto high = static_cast<uint32_t>(hash >> 32);
    size_t at = hash & (slots_.size() - 1);
    for (; slots_[at].code != kNone; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].hash == high && strings_[slots_[at].code] == text) return slots_[at].code;
    }
    strings_.emplace_back(text);
    const auto code = static_cast<uint32_t>(strings_.size() - 1);
    slots_[at] = {high, code};
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
  struct Slot {
    uint32_t hash = 0;  // the high half of the text's hash64
    uint32_t code = kNone;
  };

  void grow() {
    constexpr size_t kFirst = 64;
    slots_.assign(std::max(kFirst, 2 * slots_.size()), {});
    for (uint32_t code = 1; code < strings_.size(); ++code) {
      const uint64_t hash = hash64(strings_[code]);
      size_t at = hash & (slots_.size() - 1);
      while (slots_[at].code != kNone) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = {static_cast<uint32_t>(hash >> 32), code};
    }
  }

  std::deque<std::string> strings_;
  std::vector<Slot> slots_;  // a power of two of them, at most half in use: by the low half
};

}  // namespace adweave::state
