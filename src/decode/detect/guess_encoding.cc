// SPDX-License-Identifier: Apache-2.0
#include <simdjson.h>

#include "decode/detect/detect.h"
#include "decode/transcode.h"

namespace adweave::decode {

namespace {

// Of the code units of UTF-16 text at least this part are below U+0100, in the languages that ad
// logs are written in.
constexpr double kPlainUnitsMin = 0.4;

// UTF-16 without a byte order mark has zero bytes in every second place.
Encoding guess_utf16(std::string_view bytes) {
  double zeros[2] = {0, 0};
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\0') ++zeros[i % 2];
  }
  const double units = static_cast<double>(bytes.size()) / 2;
  if (zeros[1] > kPlainUnitsMin * units && zeros[0] == 0) return Encoding::utf16le;
  if (zeros[0] > kPlainUnitsMin * units && zeros[1] == 0) return Encoding::utf16be;
  return Encoding::utf8;
}

// Whether text that is not UTF-8 has characters of UTF-8 all the same: then it is damaged UTF-8.
bool has_utf8_characters(std::string_view bytes) {
  for (size_t i = 0; i + 1 < bytes.size(); ++i) {
    const auto lead = static_cast<uint8_t>(bytes[i]);
    const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
    if (length == 0 || i + length > bytes.size()) continue;
    if (simdjson::validate_utf8(bytes.data() + i, length)) return true;
  }
  return false;
}

}  // namespace

Encoding guess_encoding(std::string_view bytes) {
  const Encoding marked = detect_encoding(bytes);
  if (marked != Encoding::utf8) return marked;
  const Encoding utf16 = guess_utf16(bytes);
  if (utf16 != Encoding::utf8) return utf16;
  // The sample may end within a character.
  size_t end = bytes.size();
  for (int i = 0; i < 3 && end > 0 && (bytes[end - 1] & 0xC0) == 0x80; ++i) --end;
  if (end > 0 && static_cast<uint8_t>(bytes[end - 1]) >= 0xC0) --end;
  const std::string_view text = bytes.substr(0, bytes.size() > 4 ? end : bytes.size());
  if (simdjson::validate_utf8(text.data(), text.size())) return Encoding::utf8;
  if (has_utf8_characters(text)) return Encoding::utf8;
  const bool windows = std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<uint8_t>(c);
    return byte >= 0x80 && byte < 0xA0;
  });
  return windows ? Encoding::windows1252 : Encoding::latin1;
}

}  // namespace adweave::decode
