// SPDX-License-Identifier: Apache-2.0
// Numbers and texts as bytes, little-endian, for snapshots. A reader that runs over its end gives
// zeros and is not ok().
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

namespace adweave::state {

// Hands its bytes on in pieces: all of them are there only after finish().
class ByteWriter {
 public:
  using Take = std::function<void(std::string_view)>;

  explicit ByteWriter(Take take) : take_(std::move(take)), buffer_(new char[kPieceBytes]) {}

  // One behind the other, with one look at the space.
  template <class... Number>
  void numbers(Number... values) {
    constexpr size_t kSize = (sizeof values + ...);
    if (used_ + kSize > kPieceBytes) hand_on();
    char* at = buffer_.get() + used_;
    ((std::memcpy(at, &values, sizeof values), at += sizeof values), ...);
    used_ += kSize;
  }
  template <class Number>
  void number(Number value) {
    numbers(value);
  }
  void text(std::string_view value) {
    number(static_cast<uint64_t>(value.size()));
    bytes(value);
  }
  void bytes(std::string_view value) {
    if (value.empty()) return;
    if (used_ + value.size() > kPieceBytes) hand_on();
    if (value.size() > kPieceBytes) {
      handed_on_ += value.size();
      return take_(value);
    }
    std::memcpy(buffer_.get() + used_, value.data(), value.size());
    used_ += value.size();
  }
  void finish() { hand_on(); }
  // Written so far.
  size_t size() const { return handed_on_ + used_; }

 private:
  static constexpr size_t kPieceBytes = size_t{256} * 1024;  // fits into the second cache

  void hand_on() {
    if (used_ > 0) take_({buffer_.get(), used_});
    handed_on_ += used_;
    used_ = 0;
  }

  Take take_;
  std::unique_ptr<char[]> buffer_;
  size_t used_ = 0;
  size_t handed_on_ = 0;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

  template <class Number>
  Number number() {
    if constexpr (std::is_same_v<Number, bool>) return number<uint8_t>() != 0;
    Number value{};
    if (rest_.size() < sizeof value) return fail(value);
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  template <class... Number>
  void numbers(Number&... values) {
    ((values = number<Number>()), ...);
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
