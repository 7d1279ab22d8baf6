// SPDX-License-Identifier: Apache-2.0
#include "decode/transcode.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace adweave::decode {

namespace {

constexpr uint32_t kByteOrderMark = 0xFEFF;

// Characters one after the other, in UTF-8; what there is no room for waits for the next run.
class Utf8Writer {
 public:
  void begin(std::string& out, size_t room) {
    out_ = &out;
    full_ = out.size() + room;
    put(std::string());
  }
  bool has_room() const { return waiting_.empty() && out_->size() < full_; }
  bool empty() const { return waiting_.empty(); }
  void put(uint32_t code) {
    std::string bytes;
    append_utf8(bytes, code);
    put(bytes);
  }

 private:
  void put(const std::string& bytes) {
    waiting_ += bytes;
    const size_t size = std::min(waiting_.size(), full_ - out_->size());
    out_->append(waiting_, 0, size);
    waiting_.erase(0, size);
  }

  std::string* out_ = nullptr;
  size_t full_ = 0;
  std::string waiting_;
};

// Bytes 0x80 to 0x9F of windows-1252 (WHATWG Encoding, index windows-1252).
constexpr std::array<uint16_t, 32> kWindows1252 = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

class ByteTranscoder : public event::ByteTransform {
 public:
  explicit ByteTranscoder(bool windows) : windows_(windows) {}

  Step run(std::string_view in, bool at_end, std::string& out, size_t room) override {
    Step step;
    writer_.begin(out, room);
    while (step.used < in.size() && writer_.has_room()) {
      const auto byte = static_cast<uint8_t>(in[step.used++]);
      const bool special = windows_ && byte >= 0x80 && byte < 0xA0;
      writer_.put(special ? kWindows1252[byte - 0x80] : byte);
    }
    step.end = at_end && step.used == in.size() && writer_.empty();
    return step;
  }

 private:
  Utf8Writer writer_;
  bool windows_;
};

class Utf16Transcoder : public event::ByteTransform {
 public:
  explicit Utf16Transcoder(bool big_endian) : big_endian_(big_endian) {}

  Step run(std::string_view in, bool at_end, std::string& out, size_t room) override {
    Step step;
    writer_.begin(out, room);
    while (in.size() - step.used >= 2 && writer_.has_room()) {
      uint32_t code = unit(in, step.used);
      size_t length = 2;
      if (code >= 0xD800 && code < 0xDC00) {
        const bool whole = in.size() - step.used >= 4;
        if (!whole && !at_end) break;
        const uint32_t low = whole ? unit(in, step.used + 2) : 0;
        if (low >= 0xDC00 && low < 0xE000) {
          code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
          length = 4;
        }
      }
      if (begun_ || code != kByteOrderMark) writer_.put(code);
      begun_ = true;
      step.used += length;
    }
    const bool written = at_end && writer_.empty();
    step.end = written && step.used == in.size();
    if (written && in.size() - step.used == 1)
      step.problem = "half a character of UTF-16 at the end";
    return step;
  }

 private:
  uint32_t unit(std::string_view in, size_t at) const {
    const auto first = static_cast<uint8_t>(in[at]);
    const auto second = static_cast<uint8_t>(in[at + 1]);
    return big_endian_ ? first << 8 | second : second << 8 | first;
  }

  Utf8Writer writer_;
  bool big_endian_;
  bool begun_ = false;
};

}  // namespace

Encoding detect_encoding(std::string_view start) {
  if (start.starts_with("\xFF\xFE")) return Encoding::utf16le;
  if (start.starts_with("\xFE\xFF")) return Encoding::utf16be;
  return Encoding::utf8;
}

std::unique_ptr<event::ByteTransform> make_transcoder(Encoding encoding) {
  switch (encoding) {
    case Encoding::utf16le:
      return std::make_unique<Utf16Transcoder>(false);
    case Encoding::utf16be:
      return std::make_unique<Utf16Transcoder>(true);
    case Encoding::latin1:
      return std::make_unique<ByteTranscoder>(false);
    case Encoding::windows1252:
      return std::make_unique<ByteTranscoder>(true);
    case Encoding::detect:
    case Encoding::utf8:
      break;
  }
  return nullptr;
}

}  // namespace adweave::decode
