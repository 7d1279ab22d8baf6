// SPDX-License-Identifier: Apache-2.0
#include "decode/decompress.h"

#include <algorithm>
#include <array>

#include <bzlib.h>
#include <lzma.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include "base/limits.h"

namespace adweave::decode {

namespace {

// What one call of a library did.
struct Made {
  size_t used = 0;
  size_t made = 0;
  bool stream_end = false;
  std::string problem;
};

// Sizes that libraries with 32-bit counters take at once.
unsigned int clamp(size_t size) {
  return static_cast<unsigned int>(std::min<size_t>(size, size_t{1} << 30));
}

class Zlib {
 public:
  static constexpr std::string_view kName = "gzip";
  // 15: the window; +16: a gzip header; negative: no header.
  static constexpr int kGzip = 15 + 16;
  static constexpr int kRaw = -15;

  explicit Zlib(int window_bits) { ready_ = inflateInit2(&stream_, window_bits) == Z_OK; }
  ~Zlib() { inflateEnd(&stream_); }
  Zlib(const Zlib&) = delete;
  Zlib& operator=(const Zlib&) = delete;

  void restart() { inflateReset(&stream_); }
  // gzip files may be filled up with zeros.
  static bool is_padding(char c) { return c == '\0'; }
  Made step(std::string_view in, char* out, size_t room) {
    if (!ready_) return {0, 0, false, "no memory"};
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = clamp(in.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = clamp(room);
    const int code = inflate(&stream_, Z_NO_FLUSH);
    Made made{clamp(in.size()) - stream_.avail_in, clamp(room) - stream_.avail_out,
              code == Z_STREAM_END, ""};
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
      made.problem = stream_.msg != nullptr ? stream_.msg : "damaged";
    return made;
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

class Zstd {
 public:
  static constexpr std::string_view kName = "zstd";

  Zstd() { ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, limits::kZstdWindowLogMax); }
  ~Zstd() { ZSTD_freeDCtx(context_); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;

  void restart() { ZSTD_DCtx_reset(context_, ZSTD_reset_session_only); }
  static bool is_padding(char) { return false; }
  Made step(std::string_view in, char* out, size_t room) {
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    ZSTD_outBuffer output{out, room, 0};
    const size_t left = ZSTD_decompressStream(context_, &output, &input);
    Made made{input.pos, output.pos, left == 0, ""};
    if (ZSTD_isError(left) != 0) made = {input.pos, 0, false, ZSTD_getErrorName(left)};
    return made;
  }

 private:
  ZSTD_DCtx* context_ = ZSTD_createDCtx();
};

class Bzip2 {
 public:
  static constexpr std::string_view kName = "bzip2";

  Bzip2() { BZ2_bzDecompressInit(&stream_, 0, 0); }
  ~Bzip2() { BZ2_bzDecompressEnd(&stream_); }
  Bzip2(const Bzip2&) = delete;
  Bzip2& operator=(const Bzip2&) = delete;

  void restart() {
    BZ2_bzDecompressEnd(&stream_);
    stream_ = {};
    BZ2_bzDecompressInit(&stream_, 0, 0);
  }
  static bool is_padding(char) { return false; }
  Made step(std::string_view in, char* out, size_t room) {
    stream_.next_in = const_cast<char*>(in.data());
    stream_.avail_in = clamp(in.size());
    stream_.next_out = out;
    stream_.avail_out = clamp(room);
    const int code = BZ2_bzDecompress(&stream_);
    Made made{clamp(in.size()) - stream_.avail_in, clamp(room) - stream_.avail_out,
              code == BZ_STREAM_END, ""};
    if (code != BZ_OK && code != BZ_STREAM_END) made.problem = "damaged";
    return made;
  }

 private:
  bz_stream stream_{};
};

class Xz {
 public:
  static constexpr std::string_view kName = "xz";

  Xz() { restart(); }
  ~Xz() { lzma_end(&stream_); }
  Xz(const Xz&) = delete;
  Xz& operator=(const Xz&) = delete;

  void restart() {
    lzma_end(&stream_);
    stream_ = LZMA_STREAM_INIT;
    ready_ =
        lzma_stream_decoder(&stream_, static_cast<uint64_t>(limits::kXzMemoryMax), 0) == LZMA_OK;
  }
  static bool is_padding(char c) { return c == '\0'; }
  Made step(std::string_view in, char* out, size_t room) {
    if (!ready_) return {0, 0, false, "no memory"};
    stream_.next_in = reinterpret_cast<const uint8_t*>(in.data());
    stream_.avail_in = in.size();
    stream_.next_out = reinterpret_cast<uint8_t*>(out);
    stream_.avail_out = room;
    const lzma_ret code = lzma_code(&stream_, LZMA_RUN);
    Made made{in.size() - stream_.avail_in, room - stream_.avail_out, code == LZMA_STREAM_END, ""};
    if (code == LZMA_MEMLIMIT_ERROR)
      made.problem = "needs more memory than the limit";
    else if (code != LZMA_OK && code != LZMA_STREAM_END && code != LZMA_BUF_ERROR)
      made.problem = "damaged";
    return made;
  }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool ready_ = false;
};

// Some writers of Avro leave parts of a checksum after a block's deflate stream.
enum class Streams { first_only, all };

// Runs a codec over one stream after the other.
template <class Codec>
class Decompressor : public event::ByteTransform {
 public:
  template <class... Arguments>
  explicit Decompressor(Streams streams, Arguments... arguments)
      : streams_(streams), codec_(arguments...) {}

  Step run(std::string_view in, bool at_end, std::string& out, size_t room) override {
    Step step;
    const size_t before = out.size();
    out.resize(before + room);
    size_t made = 0;
    while (made < room && step.problem.empty()) {
      if (between_) {
        while (begun_ && step.used < in.size() && Codec::is_padding(in[step.used])) ++step.used;
        if (step.used == in.size()) break;
        if (begun_) codec_.restart();
        begun_ = true;
        between_ = false;
      }
      const Made now = codec_.step(in.substr(step.used), out.data() + before + made, room - made);
      step.used += now.used;
      made += now.made;
      between_ = now.stream_end;
      if (!now.problem.empty())
        step.problem = "the " + std::string(Codec::kName) + " stream is broken: " + now.problem;
      step.end = between_ && streams_ == Streams::first_only;
      if (step.end || (now.used == 0 && now.made == 0)) break;
    }
    out.resize(before + made);
    if (at_end && step.used == in.size() && made < room && !step.end && step.problem.empty()) {
      step.end = between_;
      if (!between_) step.problem = "the " + std::string(Codec::kName) + " stream is cut off";
    }
    return step;
  }

 private:
  Streams streams_;
  Codec codec_;
  bool begun_ = false;   // some stream has begun
  bool between_ = true;  // no stream is open
};

constexpr size_t kChecksumBytes = 4;

// Avro's snappy: the block, then the big-endian CRC-32 of the plain bytes.
std::optional<std::string_view> unsnap(std::string_view data, int64_t bytes_max,
                                       std::string& buffer) {
  if (data.size() < kChecksumBytes) return std::nullopt;
  const std::string_view packed = data.substr(0, data.size() - kChecksumBytes);
  size_t size = 0;
  if (!snappy::GetUncompressedLength(packed.data(), packed.size(), &size) ||
      size > static_cast<size_t>(bytes_max))
    return std::nullopt;
  buffer.resize(size);
  if (!snappy::RawUncompress(packed.data(), packed.size(), buffer.data())) return std::nullopt;
  uint32_t stated = 0;
  for (const char byte : data.substr(packed.size()))
    stated = stated << 8 | static_cast<uint8_t>(byte);
  const uLong sum = crc32_z(0, reinterpret_cast<const Bytef*>(buffer.data()), buffer.size());
  if (sum != stated) return std::nullopt;
  return std::string_view(buffer);
}

template <class Codec, class... Arguments>
std::optional<std::string_view> run_block(std::string_view data, int64_t bytes_max,
                                          std::string& buffer, Arguments... arguments) {
  Decompressor<Codec> transform(Streams::first_only, arguments...);
  buffer.clear();
  while (static_cast<int64_t>(buffer.size()) <= bytes_max) {
    const event::ByteTransform::Step step =
        transform.run(data, true, buffer, static_cast<size_t>(64 * limits::kKiB) + buffer.size());
    data.remove_prefix(step.used);
    if (!step.problem.empty()) return std::nullopt;
    if (step.end) break;
  }
  if (static_cast<int64_t>(buffer.size()) > bytes_max) return std::nullopt;
  return std::string_view(buffer);
}

}  // namespace

std::unique_ptr<event::ByteTransform> make_decompressor(Compression compression) {
  switch (compression) {
    case Compression::gzip:
      return std::make_unique<Decompressor<Zlib>>(Streams::all, Zlib::kGzip);
    case Compression::zstd:
      return std::make_unique<Decompressor<Zstd>>(Streams::all);
    case Compression::bzip2:
      return std::make_unique<Decompressor<Bzip2>>(Streams::all);
    case Compression::xz:
      return std::make_unique<Decompressor<Xz>>(Streams::all);
    case Compression::detect:
    case Compression::none:
      break;
  }
  return nullptr;
}

Compression detect_compression(std::string_view start) {
  using namespace std::string_view_literals;
  static constexpr std::array<std::pair<std::string_view, Compression>, 4> kMagic = {{
      {"\x1F\x8B\x08"sv, Compression::gzip},
      {"\x28\xB5\x2F\xFD"sv, Compression::zstd},
      {"BZh"sv, Compression::bzip2},
      {"\xFD"
       "7zXZ\0"sv,
       Compression::xz},
  }};
  for (const auto& [magic, compression] : kMagic) {
    if (start.starts_with(magic)) return compression;
  }
  return Compression::none;
}

std::optional<BlockCodec> parse_block_codec(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, BlockCodec>, 6> kNames = {{
      {"null", BlockCodec::null},
      {"deflate", BlockCodec::deflate},
      {"snappy", BlockCodec::snappy},
      {"zstandard", BlockCodec::zstandard},
      {"bzip2", BlockCodec::bzip2},
      {"xz", BlockCodec::xz},
  }};
  for (const auto& [known, codec] : kNames) {
    if (known == name) return codec;
  }
  return std::nullopt;
}

std::optional<std::string_view> decompress_block(BlockCodec codec, std::string_view data,
                                                 int64_t bytes_max, std::string& buffer) {
  switch (codec) {
    case BlockCodec::null:
      return data;
    case BlockCodec::snappy:
      return unsnap(data, bytes_max, buffer);
    case BlockCodec::deflate:
      return run_block<Zlib>(data, bytes_max, buffer, Zlib::kRaw);
    case BlockCodec::zstandard:
      return run_block<Zstd>(data, bytes_max, buffer);
    case BlockCodec::bzip2:
      return run_block<Bzip2>(data, bytes_max, buffer);
    case BlockCodec::xz:
      return run_block<Xz>(data, bytes_max, buffer);
  }
  return std::nullopt;
}

}  // namespace adweave::decode
