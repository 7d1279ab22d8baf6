// SPDX-License-Identifier: Apache-2.0
#include "lake/block_codec.h"

#include <arrow/util/compression.h>

#include "base/check.h"
#include "base/limits.h"

namespace adweave::lake {

namespace {

arrow::util::Codec& block_codec() {
  static thread_local const std::unique_ptr<arrow::util::Codec> codec =
      arrow::util::Codec::Create(arrow::Compression::ZSTD, limits::kZstdLevel).ValueOrDie();
  return *codec;
}

const uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

}  // namespace

void compress_block(std::string_view bytes, std::string& out) {
  arrow::util::Codec& codec = block_codec();
  const auto size = static_cast<int64_t>(bytes.size());
  const size_t at = out.size();
  out.resize(at + static_cast<size_t>(codec.MaxCompressedLen(size, bytes_of(bytes))));
  const arrow::Result<int64_t> written =
      codec.Compress(size, bytes_of(bytes), static_cast<int64_t>(out.size() - at),
                     reinterpret_cast<uint8_t*>(out.data() + at));
  CHECK(written.ok());
  out.resize(at + static_cast<size_t>(*written));
}

Result<std::string> decompress_block(std::string_view frame, size_t size) {
  std::string out(size, '\0');
  const arrow::Result<int64_t> written =
      block_codec().Decompress(static_cast<int64_t>(frame.size()), bytes_of(frame),
                               static_cast<int64_t>(size), reinterpret_cast<uint8_t*>(out.data()));
  if (!written.ok()) return Error{ErrorCode::corrupt, written.status().message(), ""};
  if (*written != static_cast<int64_t>(size))
    return Error{ErrorCode::corrupt, "a block has fewer bytes than it should", ""};
  return out;
}

}  // namespace adweave::lake
