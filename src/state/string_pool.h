// SPDX-License-Identifier: Apache-2.0
// Distinct strings under small numbers, so that state holds each once. Code 0 is "no value".
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/hash_index.h"
#include "state/byte_stream.h"

namespace adweave::state {

class StringPool {
 public:
  static constexpr uint32_t kNone = 0;

  StringPool() : strings_(1) {}
  StringPool(const StringPool&) = delete;
  StringPool& operator=(const StringPool&) = delete;

  uint32_t code_of(std::string_view text) { return code_of(text, hash128(text)); }
  // For ids, whose hash is known.
  uint32_t code_of(std::string_view text, const Hash128& hash) {
    const auto next = static_cast<uint32_t>(strings_.size());
    const uint32_t code =
        codes_.find_or_add(hash.low, next, [&](uint32_t known) { return strings_[known] == text; });
    if (code == next) strings_.push_back(kept(text));
    return code;
  }
  // Makes code_of() a text of the hash soon after cheaper.
  void prefetch(const Hash128& hash) const { codes_.prefetch(hash.low); }

  // Stays where it is as long as the pool lives.
  std::string_view operator[](uint32_t code) const { return strings_[code]; }

  size_t size() const { return strings_.size(); }  // codes, kNone too

  // Those with codes from `first` on, before `end`.
  void save(ByteWriter& out, size_t first, size_t end) const {
    out.number(static_cast<uint64_t>(end - first));
    for (size_t code = first; code < end; ++code) out.text(strings_[code]);
  }
  // Behind those that are there; how many they are.
  size_t load(ByteReader& in) {
    const size_t count = in.count(sizeof(uint64_t));
    for (size_t left = count; left > 0; --left) code_of(in.text());
    return count;
  }

 private:
  static constexpr size_t kChunkBytes = size_t{64} * 1024;

  // Strings lie one behind the other: an allocation for each took a tenth of attribution.
  std::string_view kept(std::string_view text) {
    if (text.empty()) return {};
    if (text.size() > free_.size()) {
      const size_t size = std::max(kChunkBytes, text.size());
      chunks_.emplace_back(new char[size]);
      free_ = {chunks_.back().get(), size};
    }
    char* at = free_.data();
    std::memcpy(at, text.data(), text.size());
    free_ = free_.subspan(text.size());
    return {at, text.size()};
  }

  std::vector<std::string_view> strings_;  // by code, in chunks_
  std::vector<std::unique_ptr<char[]>> chunks_;
  std::span<char> free_;  // of the last chunk
  HashIndex codes_;
};

}  // namespace adweave::state
