// SPDX-License-Identifier: Apache-2.0
// Parquet's encodings of the values of a page. Each function appends to `out`.
// Source: https://parquet.apache.org/docs/file-format/data-pages/encodings/
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace adweave::lake {

// RLE / bit-packing hybrid: values below 2^width, width 1 to 32. No length goes before them.
void put_hybrid(std::span<const uint8_t> values, int width, std::string& out);
void put_hybrid(std::span<const int32_t> values, int width, std::string& out);

// `count` times the same value, of a width up to 8 bits, in the same encoding.
void put_hybrid_run(uint8_t value, int64_t count, std::string& out);

// DELTA_BINARY_PACKED.
void put_deltas(std::span<const int64_t> values, std::string& out);
void put_deltas(std::span<const int32_t> values, std::string& out);

// Reads what put_deltas() or another writer of the format has put at the start of `page`, and
// leaves what stands behind it in `page`. Nothing when it is damaged, or holds more than `most`.
std::optional<std::vector<int32_t>> take_deltas(std::string_view& page, size_t most);

// The two encodings of texts that do not repeat. Keeps its memory from page to page.
class TextEncoder {
 public:
  // DELTA_LENGTH_BYTE_ARRAY: the lengths, then all bytes.
  void put_lengths_and_bytes(std::span<const std::string_view> texts, std::string& out);

  // DELTA_BYTE_ARRAY: what each shares with the one before is left out.
  void put_changed_ends(std::span<const std::string_view> texts, std::string& out);

 private:
  std::vector<int32_t> lengths_;
  std::vector<int32_t> shared_;
  std::vector<std::string_view> ends_;
};

// Bytes at the start that two texts share.
size_t shared_start(std::string_view a, std::string_view b);

// Room that take_changed_ends() needs behind the texts.
inline constexpr size_t kCopySlack = 16;

// Appends the texts of a page in DELTA_LENGTH_BYTE_ARRAY or DELTA_BYTE_ARRAY, as many as `count`:
// their bytes to `bytes`, where each ends to `ends`. False when the page is damaged.
bool take_lengths_and_bytes(std::string_view page, size_t count, std::string& bytes,
                            std::vector<int32_t>& ends);
bool take_changed_ends(std::string_view page, size_t count, std::string& bytes,
                       std::vector<int32_t>& ends);

}  // namespace adweave::lake
