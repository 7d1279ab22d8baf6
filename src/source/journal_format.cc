// SPDX-License-Identifier: Apache-2.0
#include "source/journal_format.h"

#include <cstring>

#include <fmt/format.h>

#include "base/crc32c.h"
#include "base/limits.h"
#include "base/numbered_name.h"
#include "source/number_bytes.h"

namespace adweave::source {

namespace {

constexpr std::string_view kMagic = "AWJOURNL";
constexpr uint32_t kVersion = 1;
constexpr std::string_view kNamePrefix = "journal-";
constexpr std::string_view kNameSuffix = ".log";
constexpr std::string_view kArchiveSuffix = ".log.zst";
constexpr size_t kHeaderChecksumAt = 60;
constexpr size_t kMarkBytes = 8;
constexpr size_t kFrameChecksumAt = 8;
constexpr size_t kFrameCheckedFrom = 12;

std::string name_of(int64_t number, std::string_view suffix) {
  return fmt::format("{}{:020}{}", kNamePrefix, number, suffix);
}

std::optional<int64_t> number_of(std::string_view name, std::string_view suffix) {
  if (!name.starts_with(kNamePrefix)) return std::nullopt;
  return number_in_name(name.substr(kNamePrefix.size()), suffix);
}

}  // namespace

Error journal_damage(const std::string& what, int64_t offset) {
  return {ErrorCode::corrupt, "offset " + std::to_string(offset) + ": " + what,
          "restore the file from a backup; nothing has been changed"};
}

std::string to_bytes(const SegmentHeader& header) {
  std::string bytes(kMagic);
  put_number(bytes, kVersion);
  put_number(bytes, uint32_t{0});
  put_number(bytes, header.number);
  put_number(bytes, header.mark);
  put_number(bytes, header.first_sequence);
  put_number(bytes, header.previous_end);
  put_number(bytes, header.previous_checksum);
  put_number(bytes, uint64_t{0});
  put_number(bytes, crc32c(bytes));
  CHECK(bytes.size() == kSegmentHeaderBytes);
  return bytes;
}

Result<SegmentHeader> parse_segment_header(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes || !bytes.starts_with(kMagic) ||
      number_at<uint32_t>(bytes, kHeaderChecksumAt) != crc32c(bytes.substr(0, kHeaderChecksumAt))) {
    return Error{ErrorCode::corrupt, "its header is damaged",
                 "restore the file from a backup; nothing has been changed"};
  }
  if (number_at<uint32_t>(bytes, 8) != kVersion) {
    return Error{
        ErrorCode::newer_format,
        "version " + std::to_string(number_at<uint32_t>(bytes, 8)) + " of the journal's format",
        "use the program that wrote it, or a newer one"};
  }
  return SegmentHeader{.number = number_at<int64_t>(bytes, 16),
                       .mark = number_at<uint64_t>(bytes, 24),
                       .first_sequence = number_at<int64_t>(bytes, 32),
                       .previous_end = number_at<int64_t>(bytes, 40),
                       .previous_checksum = number_at<uint32_t>(bytes, 48)};
}

Delivery Frame::delivery() const {
  return {std::string(source), std::string(batch), received_time, std::string(body)};
}

int64_t frame_bytes(const Delivery& delivery) {
  return kFrameHeadBytes + static_cast<int64_t>(delivery.source.size() + delivery.batch.size() +
                                                delivery.body.size());
}

uint32_t append_frame(std::string& out, uint64_t mark, int64_t sequence, int64_t group_begin,
                      const Delivery& delivery) {
  const size_t begin = out.size();
  put_number(out, mark);
  put_number(out, uint32_t{0});  // the checksum, once the rest is there
  put_number(out, static_cast<uint32_t>(delivery.body.size()));
  put_number(out, static_cast<uint16_t>(delivery.source.size()));
  put_number(out, static_cast<uint16_t>(delivery.batch.size()));
  put_number(out, uint32_t{0});
  put_number(out, sequence);
  put_number(out, group_begin);
  put_number(out, delivery.received_time);
  out.append(delivery.source).append(delivery.batch).append(delivery.body);
  const uint32_t checksum = crc32c(std::string_view(out).substr(begin + kFrameCheckedFrom));
  std::memcpy(out.data() + begin + kFrameChecksumAt, &checksum, sizeof checksum);
  return checksum;
}

std::optional<int64_t> frame_bytes_of(std::string_view head, uint64_t mark) {
  if (head.size() < kFrameHeadBytes || number_at<uint64_t>(head, 0) != mark) return std::nullopt;
  const auto body = number_at<uint32_t>(head, 12);
  const auto source = number_at<uint16_t>(head, 16);
  const auto batch = number_at<uint16_t>(head, 18);
  if (body > limits::kDeliveryBytesMax || source > limits::kDeliverySourceBytesMax ||
      batch > limits::kDeliveryBatchBytesMax) {
    return std::nullopt;
  }
  return kFrameHeadBytes + source + batch + int64_t{body};
}

std::optional<Frame> parse_frame(std::string_view bytes, uint64_t mark) {
  const std::optional<int64_t> size = frame_bytes_of(bytes, mark);
  if (!size || *size > static_cast<int64_t>(bytes.size())) return std::nullopt;
  bytes = bytes.substr(0, static_cast<size_t>(*size));
  const auto checksum = number_at<uint32_t>(bytes, kFrameChecksumAt);
  if (checksum != crc32c(bytes.substr(kFrameCheckedFrom))) return std::nullopt;
  const size_t source = number_at<uint16_t>(bytes, 16);
  const size_t batch = number_at<uint16_t>(bytes, 18);
  return Frame{.checksum = checksum,
               .sequence = number_at<int64_t>(bytes, 24),
               .group_begin = number_at<int64_t>(bytes, 32),
               .received_time = number_at<int64_t>(bytes, 40),
               .source = bytes.substr(kFrameHeadBytes, source),
               .batch = bytes.substr(kFrameHeadBytes + source, batch),
               .body = bytes.substr(kFrameHeadBytes + source + batch),
               .bytes = *size};
}

bool is_proven_synced(std::string_view segment, int64_t place, uint64_t mark) {
  char marked[kMarkBytes];
  std::memcpy(marked, &mark, sizeof mark);
  const std::string_view needle(marked, sizeof marked);
  for (size_t at = segment.find(needle, static_cast<size_t>(place) + 1);
       at != std::string_view::npos; at = segment.find(needle, at + 1)) {
    const std::optional<Frame> frame = parse_frame(segment.substr(at), mark);
    if (frame && frame->group_begin > place) return true;
  }
  return false;
}

std::string segment_name(int64_t number) {
  return name_of(number, kNameSuffix);
}

std::string archive_name(int64_t number) {
  return name_of(number, kArchiveSuffix);
}

std::optional<int64_t> number_of_segment(std::string_view name) {
  return number_of(name, kNameSuffix);
}

std::optional<int64_t> number_of_archive(std::string_view name) {
  return number_of(name, kArchiveSuffix);
}

}  // namespace adweave::source
