// SPDX-License-Identifier: Apache-2.0
// Avro's binary encoding, read with every bound checked (specification 1.11, "Binary Encoding").
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace adweave::decode {

// After the first read beyond the end or of a broken number, ok() is false and every read gives
// zero or nothing.
class AvroBytes {
 public:
  explicit AvroBytes(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return at_ == bytes_.size(); }
  size_t position() const { return at_; }
  void fail() { ok_ = false; }

  // Zig-zag variable-length long.
  int64_t read_long() {
    uint64_t number = 0;
    if (at_ < bytes_.size() && bytes_[at_] >= 0) {  // one byte, as lengths and branches are
      number = static_cast<uint8_t>(bytes_[at_++]);
      return static_cast<int64_t>(number >> 1) ^ -static_cast<int64_t>(number & 1);
    }
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ >= bytes_.size()) break;
      const auto byte = static_cast<uint8_t>(bytes_[at_++]);
      number |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0)
        return static_cast<int64_t>(number >> 1) ^ -static_cast<int64_t>(number & 1);
    }
    ok_ = false;
    return 0;
  }

  std::string_view read(int64_t size) {
    if (!ok_ || size < 0 || static_cast<uint64_t>(size) > bytes_.size() - at_) {
      ok_ = false;
      return {};
    }
    const std::string_view piece = bytes_.substr(at_, static_cast<size_t>(size));
    at_ += static_cast<size_t>(size);
    return piece;
  }

  std::string_view read_sized() { return read(read_long()); }

  template <class Number>
  Number read_fixed() {
    const std::string_view piece = read(sizeof(Number));
    Number number{};
    if (piece.size() == sizeof(Number)) std::memcpy(&number, piece.data(), sizeof(Number));
    return number;
  }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace adweave::decode
