// SPDX-License-Identifier: Apache-2.0
#include "decode/content.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include "base/check.h"
#include "base/limits.h"
#include "decode/decompress.h"
#include "decode/transcode.h"

namespace adweave::decode {
namespace {

using event::ByteTransform;

struct All {
  std::string out;
  std::string problem;
};

// Feeds `in` in pieces and takes at most `room` bytes at once.
All run_all(ByteTransform& transform, std::string_view in, size_t piece, size_t room) {
  All all;
  std::string held;
  size_t given = 0;
  while (true) {
    const size_t before = all.out.size();
    const ByteTransform::Step step = transform.run(held, given == in.size(), all.out, room);
    EXPECT_LE(all.out.size() - before, room);
    held.erase(0, step.used);
    all.problem = step.problem;
    if (step.end || !step.problem.empty()) return all;
    if (step.used > 0 || all.out.size() > before) continue;
    CHECK(given < in.size());
    const std::string_view more = in.substr(given, piece);
    held += more;
    given += more.size();
  }
}

std::string gzip(const std::string& text) {
  z_stream stream{};
  CHECK(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::string sample() {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "line " + std::to_string(i * i) + "\n";
  return text;
}

All content_of(const std::string& bytes, size_t piece = 1000, size_t room = 777,
               DecoderSpec spec = {}) {
  const auto content = make_content(spec, bytes);
  CHECK(content);
  return run_all(*content, bytes, piece, room);
}

TEST(Content, PlainBytesNeedNothing) {
  EXPECT_EQ(make_content({}, "{\"a\": 1}"), nullptr);
  EXPECT_EQ(make_content({}, ""), nullptr);
}

TEST(Content, StreamsOneAfterTheOtherAreOneContent) {
  const std::string text = sample();
  for (const std::string& packed :
       {gzip(text) + gzip("x") + std::string(512, '\0'), zstd(text) + zstd("x")}) {
    for (const size_t piece : {size_t{1}, size_t{100}, packed.size()}) {
      const All all = content_of(packed, piece, piece == 1 ? 50'000 : 333);
      EXPECT_EQ(all.problem, "");
      EXPECT_EQ(all.out, text + "x");
    }
  }
}

TEST(Content, EveryTruncationKeepsWhatCameBefore) {
  const std::string text = sample();
  for (const std::string& packed : {gzip(text), zstd(text)}) {
    for (size_t size = 4; size < packed.size(); size += 97) {
      const All all = content_of(packed.substr(0, size), 1 << 20, 1 << 20);
      EXPECT_NE(all.problem.find("cut off"), std::string::npos) << size;
      EXPECT_TRUE(text.starts_with(all.out));
    }
  }
}

TEST(Content, EveryAlteredByteIsAProblemOrChangesNothing) {
  const std::string text = sample();
  const std::string packed = gzip(text);
  for (size_t at = 10; at < packed.size(); at += 13) {
    std::string altered = packed;
    altered[at] = static_cast<char>(altered[at] ^ 0x10);
    const All all = content_of(altered, 1 << 20, 1 << 20);
    EXPECT_TRUE(!all.problem.empty() || all.out == text) << at;
  }
}

TEST(Content, ABombStopsAtTheLimit) {
  const std::string zeros(static_cast<size_t>(64 * limits::kMiB), '\0');
  for (const std::string& packed : {gzip(zeros), zstd(zeros)}) {
    const All all = content_of(packed, 4096, 64 * limits::kKiB);
    EXPECT_NE(all.problem.find("200-fold"), std::string::npos);
    EXPECT_LT(static_cast<int64_t>(all.out.size()), limits::kExpansionFreeBytes + limits::kMiB);
  }
  DecoderSpec spec;
  spec.expansion_max = 1'000'000;
  EXPECT_EQ(content_of(gzip(zeros), 1 << 20, 1 << 20, spec).out.size(), zeros.size());
}

TEST(Content, Utf16BecomesUtf8) {
  // "Zoë, €, 😀" and a line end, with byte order mark.
  const std::string big("\xFE\xFF\0Z\0o\0\xEB\0,\0 \x20\xAC\0,\0 \xD8\x3D\xDE\x00\0\n", 24);
  std::string little;
  for (size_t i = 0; i < big.size(); i += 2) little += {big[i + 1], big[i]};
  for (const std::string& text : {big, little, gzip(big)}) {
    for (const size_t piece : {size_t{1}, size_t{3}, size_t{100}}) {
      const All all = content_of(text, piece, piece);
      EXPECT_EQ(all.out, "Zo\xC3\xAB, \xE2\x82\xAC, \xF0\x9F\x98\x80\n");
      EXPECT_EQ(all.problem, "");
    }
  }
  EXPECT_NE(content_of(big + "x").problem.find("half a character"), std::string::npos);
  // Half a pair is no UTF-8.
  EXPECT_EQ(content_of(std::string("\xFE\xFF\xD8\x3D\0a", 6)).out,
            "\xED\xA0\xBD"
            "a");
}

TEST(Content, OneByteEncodingsAreDeclared) {
  DecoderSpec spec;
  spec.encoding = Encoding::latin1;
  EXPECT_EQ(content_of("\xE9\x80", 1, 1, spec).out, "\xC3\xA9\xC2\x80");
  spec.encoding = Encoding::windows1252;
  EXPECT_EQ(content_of("\xE9\x80", 1, 4, spec).out, "\xC3\xA9\xE2\x82\xAC");
}

TEST(BlockCodecs, LimitsAndDamage) {
  const std::string text = sample();
  const std::string packed = zstd(text);
  std::string buffer;
  EXPECT_EQ(decompress_block(BlockCodec::zstandard, packed, 1 << 20, buffer), text);
  EXPECT_FALSE(decompress_block(BlockCodec::zstandard, packed, 1000, buffer));
  for (const BlockCodec codec : {BlockCodec::deflate, BlockCodec::snappy, BlockCodec::zstandard,
                                 BlockCodec::bzip2, BlockCodec::xz}) {
    EXPECT_EQ(decompress_block(codec, "", 1000, buffer).value_or(""), "");
    EXPECT_FALSE(decompress_block(codec, std::string(100, '\xFF'), 1000, buffer));
  }
  EXPECT_FALSE(parse_block_codec("lzo"));
}

}  // namespace
}  // namespace adweave::decode
