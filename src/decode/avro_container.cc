// SPDX-License-Identifier: Apache-2.0
#include "decode/avro_container.h"

#include <algorithm>

#include "base/limits.h"
#include "decode/avro_bytes.h"
#include "event/reject.h"

namespace adweave::decode {

namespace {

constexpr std::string_view kMagic("Obj\x01", 4);
constexpr int64_t kSyncBytes = 16;

// Reads the header's map of metadata; false when the bytes end first or make no sense.
bool read_metadata(AvroBytes& in, AvroHeader& header, std::string& codec) {
  while (in.ok()) {
    int64_t count = in.read_long();
    if (count == 0) return in.ok();
    if (count < 0) {
      in.read_long();  // size of the block in bytes
      if (count == INT64_MIN) return false;
      count = -count;
    }
    for (int64_t i = 0; i < count && in.ok(); ++i) {
      const std::string_view key = in.read_sized();
      const std::string_view value = in.read_sized();
      if (key == "avro.schema") header.schema = value;
      if (key == "avro.codec") codec = value;
    }
  }
  return false;
}

AvroBlock damaged_block(std::string_view bytes, size_t begin, std::string_view sync) {
  AvroBlock block;
  block.damaged = true;
  const size_t marker = bytes.find(sync, begin);
  block.end = marker == std::string_view::npos ? bytes.size() : marker + sync.size();
  return block;
}

}  // namespace

Result<std::optional<AvroHeader>> read_avro_header(std::string_view bytes) {
  if (!kMagic.starts_with(bytes.substr(0, kMagic.size()))) {
    return Error{ErrorCode::io, "the file is no Avro container (it does not begin with Obj 1)",
                 "check the format"};
  }
  AvroBytes in(bytes);
  in.read(static_cast<int64_t>(kMagic.size()));
  AvroHeader header;
  std::string codec = "null";
  const bool read = read_metadata(in, header, codec);
  header.sync = in.read(kSyncBytes);
  if (!read || !in.ok()) {
    if (static_cast<int64_t>(bytes.size()) < limits::kAvroHeaderBytesMax)
      return std::optional<AvroHeader>();
    return Error{ErrorCode::io,
                 "the Avro header does not end within " +
                     std::to_string(limits::kAvroHeaderBytesMax) + " bytes",
                 "the file is damaged"};
  }
  const std::optional<BlockCodec> known = parse_block_codec(codec);
  if (!known) {
    return Error{ErrorCode::io, "the Avro codec " + event::quoted(codec) + " is not known",
                 "use null, deflate, snappy, zstandard, bzip2 or xz"};
  }
  header.codec = *known;
  header.length = in.position();
  return std::optional<AvroHeader>(std::move(header));
}

std::optional<AvroBlock> next_avro_block(std::string_view bytes, size_t begin,
                                         std::string_view sync, bool at_end) {
  AvroBytes in(bytes.substr(begin));
  AvroBlock block;
  block.count = in.read_long();
  const int64_t size = in.read_long();
  const bool possible =
      in.ok() && block.count >= 0 && size >= 0 && size <= limits::kAvroBlockBytesMax;
  if (possible) {
    block.data = in.read(size);
    const std::string_view marker = in.read(kSyncBytes);
    block.end = begin + in.position();
    if (in.ok() && marker == sync) return block;
  }
  const bool whole = possible && in.ok();
  if (!whole && !at_end && (possible || bytes.size() - begin < 20)) return std::nullopt;
  const AvroBlock damaged = damaged_block(bytes, begin, sync);
  const bool found = damaged.end < bytes.size() || bytes.ends_with(sync);
  if (!found && !at_end && static_cast<int64_t>(bytes.size() - begin) < limits::kAvroBlockBytesMax)
    return std::nullopt;
  return damaged;
}

}  // namespace adweave::decode
