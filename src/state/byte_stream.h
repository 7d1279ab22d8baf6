// SPDX-License-Identifier: Apache-2.0
// Numbers and texts as bytes, little-endian, for snapshots. A reader that runs over its end gives
// zeros and is not ok().
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace adweave::state {

class ByteWriter {
 public:
  template <class Number>
  void number(Number value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    bytes_.append(bytes, sizeof bytes);
  }
  void text(std::string_view value) {
    number(static_cast<uint64_t>(value.size()));
    bytes_.append(value);
  }
  void bytes(std::string_view value) { bytes_.append(value); }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

  template <class Number>
  Number number() {
    Number value{};
    if (rest_.size() < sizeof value) return fail(value);
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  // A count of items of at least `item_bytes` each: never more than the bytes that are left could
  // hold.
  uint64_t count(size_t item_bytes) {
    const auto value = number<uint64_t>();
    return value > rest_.size() / item_bytes ? fail(uint64_t{0}) : value;
  }
  std::string_view text() {
    const uint64_t size = count(1);
    const std::string_view value = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return value;
  }

 private:
  template <class Value>
  Value fail(Value value) {
    ok_ = false;
    rest_ = {};
    return value;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace adweave::state
