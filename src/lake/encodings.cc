// SPDX-License-Identifier: Apache-2.0
#include "lake/encodings.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>

namespace adweave::lake {

namespace {

static_assert(std::endian::native == std::endian::little, "pages are written as memory holds them");

void put_varint(uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

template <class Int>
void put_zigzag(Int value, std::string& out) {
  using Unsigned = std::make_unsigned_t<Int>;
  const auto sign = static_cast<Unsigned>(value >> (std::numeric_limits<Unsigned>::digits - 1));
  put_varint(static_cast<Unsigned>(static_cast<Unsigned>(value) << 1) ^ sign, out);
}

// Appends the low `width` bits of each value, least significant bit first; width 1 to 64. The last
// byte is filled up with zeros.
template <class Value>
void put_bits(std::span<const Value> values, int width, std::string& out) {
  const size_t begin = out.size();
  const size_t bytes = (values.size() * static_cast<size_t>(width) + 7) / 8;
  out.resize(begin + bytes + sizeof(uint64_t));  // the last word may stand over
  char* to = out.data() + begin;
  uint64_t word = 0;
  int filled = 0;
  for (const Value value : values) {
    const auto bits = static_cast<uint64_t>(value);
    word |= bits << filled;
    filled += width;
    if (filled >= 64) {
      std::memcpy(to, &word, sizeof(word));
      to += sizeof(word);
      filled -= 64;
      word = filled == 0 ? 0 : bits >> (width - filled);
    }
  }
  std::memcpy(to, &word, sizeof(word));
  out.resize(begin + bytes);
}

constexpr size_t kPacked = 8;  // values are bit-packed in groups of so many

template <class Value>
void put_literals(std::span<const Value> values, int width, std::string& out) {
  if (values.empty()) return;
  const size_t groups = (values.size() + kPacked - 1) / kPacked;
  put_varint(groups << 1 | 1, out);
  const size_t end = out.size() + groups * static_cast<size_t>(width);
  put_bits(values, width, out);
  out.resize(end);
}

template <class Value>
void put_runs_and_literals(std::span<const Value> values, int width, std::string& out) {
  size_t literals = 0;  // where those that are not written yet begin
  for (size_t i = 0; i < values.size();) {
    size_t end = i + 1;
    while (end < values.size() && values[end] == values[i]) ++end;
    // Literals end with a full group: the first of the run are taken for that.
    const size_t run = i + (kPacked - (i - literals) % kPacked) % kPacked;
    if (end >= run + kPacked) {
      put_literals(values.subspan(literals, run - literals), width, out);
      put_varint((end - run) << 1, out);
      const auto value = static_cast<uint32_t>(values[i]);
      out.append(reinterpret_cast<const char*>(&value), static_cast<size_t>(width + 7) / 8);
      literals = end;
    }
    i = end;
  }
  put_literals(values.subspan(literals), width, out);
}

constexpr size_t kDeltaBlock = 128;
constexpr size_t kMiniBlock = 32;

template <class Int>
void put_delta_blocks(std::span<const Int> values, std::string& out) {
  using Unsigned = std::make_unsigned_t<Int>;
  put_varint(kDeltaBlock, out);
  put_varint(kDeltaBlock / kMiniBlock, out);
  put_varint(values.size(), out);
  put_zigzag(values.empty() ? Int{0} : values.front(), out);
  std::array<Unsigned, kDeltaBlock> deltas;
  for (size_t at = 1; at < values.size(); at += kDeltaBlock) {
    const size_t count = std::min(kDeltaBlock, values.size() - at);
    auto least = std::numeric_limits<Int>::max();
    for (size_t i = 0; i < count; ++i) {
      deltas[i] = static_cast<Unsigned>(values[at + i]) - static_cast<Unsigned>(values[at + i - 1]);
      least = std::min(least, static_cast<Int>(deltas[i]));
    }
    for (size_t i = 0; i < count; ++i) deltas[i] -= static_cast<Unsigned>(least);
    std::fill(deltas.begin() + static_cast<std::ptrdiff_t>(count), deltas.end(), Unsigned{0});
    put_zigzag(least, out);
    size_t width_at = out.size();
    out.append(kDeltaBlock / kMiniBlock, '\0');
    for (size_t begin = 0; begin < count; begin += kMiniBlock) {
      const std::span<const Unsigned> packed(deltas.data() + begin, kMiniBlock);
      Unsigned bits = 0;
      for (const Unsigned delta : packed) bits |= delta;
      const auto width = static_cast<int>(std::bit_width(bits));
      out[width_at++] = static_cast<char>(width);
      if (width > 0) put_bits(packed, width, out);
    }
  }
}

// memcpy() of a text that is likely short. Up to kCopySlack bytes more are read and written, unless
// `from` has fewer left. `to` may lie in `from`, `size` bytes or more behind its start.
void copy_text(char* to, std::string_view from, size_t size) {
  if (size + kCopySlack > from.size()) {
    if (size > 0) std::memcpy(to, from.data(), size);
    return;
  }
  for (size_t i = 0; i < size; i += kCopySlack) std::memmove(to + i, from.data() + i, kCopySlack);
}

// Texts that lie side by side in memory are copied at once.
void put_bytes(std::span<const std::string_view> texts, size_t bytes, std::string& out) {
  const size_t begin = out.size();
  out.resize(begin + bytes);
  char* to = out.data() + begin;
  for (size_t i = 0; i < texts.size();) {
    const char* from = texts[i].data();
    size_t size = texts[i].size();
    for (++i; i < texts.size() && texts[i].data() == from + size; ++i) size += texts[i].size();
    if (size > 0) std::memcpy(to, from, size);
    to += size;
  }
}

std::optional<uint64_t> take_varint(std::string_view& page) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !page.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(page.front());
    page.remove_prefix(1);
    value |= uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

// A number of `width` bits, at most 32, that begins at bit `bit`.
uint32_t bits_at(std::string_view bytes, size_t bit, int width) {
  uint64_t word = 0;
  const std::string_view from = bytes.substr(bit / 8);
  if (from.size() >= sizeof(word)) {
    std::memcpy(&word, from.data(), sizeof(word));
  } else {
    std::memcpy(&word, from.data(), from.size());
  }
  return static_cast<uint32_t>(word >> bit % 8 & ((uint64_t{1} << width) - 1));
}

// Fills in a block of deltas: `values` are those of the block, behind the number `before`.
bool take_block(std::string_view& page, size_t mini_blocks, size_t mini_size, int32_t before,
                std::span<int32_t> values) {
  const auto zigzag = take_varint(page);
  if (!zigzag || page.size() < mini_blocks) return false;
  const auto least = static_cast<uint32_t>(*zigzag >> 1) ^ (0 - static_cast<uint32_t>(*zigzag & 1));
  const std::string_view widths = page.substr(0, mini_blocks);
  page.remove_prefix(mini_blocks);
  auto value = static_cast<uint32_t>(before);
  for (size_t i = 0; i < mini_blocks && !values.empty(); ++i) {
    const int width = static_cast<uint8_t>(widths[i]);
    const size_t bytes = mini_size * static_cast<size_t>(width) / 8;
    if (width > 32 || page.size() < bytes) return false;
    size_t bit = 0;
    for (int32_t& out : values.first(std::min(mini_size, values.size()))) {
      value += least + (width == 0 ? 0 : bits_at(page, bit, width));
      out = static_cast<int32_t>(value);
      bit += static_cast<size_t>(width);
    }
    values = values.subspan(std::min(mini_size, values.size()));
    page.remove_prefix(bytes);
  }
  return true;
}

// Bytes of texts of these lengths; nothing when a length is negative.
std::optional<int64_t> sum_of(std::span<const int32_t> lengths) {
  int64_t bytes = 0;
  for (const int32_t length : lengths) {
    if (length < 0) return std::nullopt;
    bytes += length;
  }
  return bytes;
}

// Whether so many bytes still fit a column's 2 GiB.
bool has_room(const std::string& bytes, int64_t more) {
  return static_cast<int64_t>(bytes.size()) + more <= INT32_MAX;
}

}  // namespace

void put_hybrid(std::span<const uint8_t> values, int width, std::string& out) {
  put_runs_and_literals(values, width, out);
}

void put_hybrid(std::span<const int32_t> values, int width, std::string& out) {
  put_runs_and_literals(values, width, out);
}

void put_hybrid_run(uint8_t value, int64_t count, std::string& out) {
  put_varint(static_cast<uint64_t>(count) << 1, out);
  out.push_back(static_cast<char>(value));
}

void put_deltas(std::span<const int64_t> values, std::string& out) {
  put_delta_blocks(values, out);
}

void put_deltas(std::span<const int32_t> values, std::string& out) {
  put_delta_blocks(values, out);
}

std::optional<std::vector<int32_t>> take_deltas(std::string_view& page, size_t most) {
  const auto block = take_varint(page);
  const auto mini_blocks = take_varint(page);
  const auto count = take_varint(page);
  const auto first = take_varint(page);
  if (!block || !mini_blocks || !count || !first || *count > most) return std::nullopt;
  constexpr uint64_t kBlockMax = uint64_t{1} << 20;
  if (*mini_blocks == 0 || *mini_blocks > *block || *block > kBlockMax) return std::nullopt;
  const size_t mini_size = *block / *mini_blocks;
  if (mini_size % kMiniBlock != 0 || mini_size * *mini_blocks != *block) return std::nullopt;
  std::vector<int32_t> values(*count);
  if (values.empty()) return values;
  values.front() = static_cast<int32_t>(*first >> 1) ^ -static_cast<int32_t>(*first & 1);
  for (size_t i = 1; i < values.size(); i += *block) {
    const size_t size = std::min(values.size() - i, static_cast<size_t>(*block));
    const std::span<int32_t> part(values.data() + i, size);
    if (!take_block(page, *mini_blocks, mini_size, values[i - 1], part)) return std::nullopt;
  }
  return values;
}

bool take_lengths_and_bytes(std::string_view page, size_t count, std::string& bytes,
                            std::vector<int32_t>& ends) {
  const auto lengths = take_deltas(page, count);
  if (!lengths || lengths->size() != count) return false;
  const auto size = sum_of(*lengths);
  if (!size || !has_room(bytes, *size) || page.size() < static_cast<size_t>(*size)) return false;
  auto end = static_cast<int32_t>(bytes.size());
  for (const int32_t length : *lengths) ends.push_back(end += length);
  bytes.append(page.substr(0, static_cast<size_t>(*size)));
  return true;
}

bool take_changed_ends(std::string_view page, size_t count, std::string& bytes,
                       std::vector<int32_t>& ends) {
  const auto shared = take_deltas(page, count);
  if (!shared || shared->size() != count) return false;
  const auto lengths = take_deltas(page, count);
  if (!lengths || lengths->size() != count) return false;
  const auto shared_size = sum_of(*shared);
  const auto size = sum_of(*lengths);
  if (!shared_size || !size || !has_room(bytes, *shared_size + *size)) return false;
  size_t end = bytes.size();
  bytes.resize(end + static_cast<size_t>(*shared_size + *size) + kCopySlack);
  size_t before = 0;  // length of the text before
  for (size_t i = 0; i < count; ++i) {
    const auto start = static_cast<size_t>((*shared)[i]);
    const auto length = static_cast<size_t>((*lengths)[i]);
    if (start > before || length > page.size()) return false;
    const std::string_view last(bytes.data() + end - before, bytes.size() - end + before);
    copy_text(bytes.data() + end, last, start);
    copy_text(bytes.data() + end + start, page, length);
    page.remove_prefix(length);
    before = start + length;
    end += before;
    ends.push_back(static_cast<int32_t>(end));
  }
  bytes.resize(end);
  return true;
}

void TextEncoder::put_lengths_and_bytes(std::span<const std::string_view> texts, std::string& out) {
  lengths_.clear();
  size_t bytes = 0;
  for (const std::string_view text : texts) {
    lengths_.push_back(static_cast<int32_t>(text.size()));
    bytes += text.size();
  }
  put_deltas(lengths_, out);
  put_bytes(texts, bytes, out);
}

void TextEncoder::put_changed_ends(std::span<const std::string_view> texts, std::string& out) {
  shared_.clear();
  ends_.clear();
  std::string_view before;
  for (const std::string_view text : texts) {
    const size_t shared = shared_start(before, text);
    shared_.push_back(static_cast<int32_t>(shared));
    ends_.push_back(text.substr(shared));
    before = text;
  }
  put_deltas(shared_, out);
  put_lengths_and_bytes(ends_, out);
}

size_t shared_start(std::string_view a, std::string_view b) {
  const size_t most = std::min(a.size(), b.size());
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= most; i += sizeof(uint64_t)) {
    uint64_t x = 0;
    uint64_t y = 0;
    std::memcpy(&x, a.data() + i, sizeof(x));
    std::memcpy(&y, b.data() + i, sizeof(y));
    if (x != y) return i + static_cast<size_t>(std::countr_zero(x ^ y)) / 8;
  }
  while (i < most && a[i] == b[i]) ++i;
  return i;
}

}  // namespace adweave::lake
