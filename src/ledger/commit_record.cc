// SPDX-License-Identifier: Apache-2.0
#include "ledger/commit_record.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/limits.h"
#include "ledger/members.h"

namespace adweave::ledger {

namespace {

constexpr std::string_view kChecksumMember = ",\"checksum\":\"";
constexpr size_t kChecksumDigits = 32;
constexpr std::string_view kEnd = "\"}\n";

Error corrupt(const std::string& what) {
  return {ErrorCode::corrupt, what};
}

// The checksum at the line's end, after it has been compared with the bytes before it.
Result<std::string> checked_checksum(std::string_view bytes) {
  const size_t tail = kChecksumMember.size() + kChecksumDigits + kEnd.size();
  if (bytes.size() <= tail || !bytes.ends_with(kEnd))
    return corrupt("it is torn: its end is missing");
  const std::string_view body = bytes.substr(0, bytes.size() - tail);
  const std::string_view end = bytes.substr(body.size());
  if (!end.starts_with(kChecksumMember)) return corrupt("it has no checksum at its end");
  const std::string stated(end.substr(kChecksumMember.size(), kChecksumDigits));
  if (to_hex(hash128(body)) != stated) return corrupt("its checksum does not match its bytes");
  return stated;
}

}  // namespace

std::string with_checksum(JsonValue::Object object, std::string& checksum) {
  std::string bytes = JsonValue(std::move(object)).dump();
  bytes.pop_back();  // the closing brace comes after the checksum
  checksum = to_hex(hash128(bytes));
  return bytes.append(kChecksumMember).append(checksum).append(kEnd);
}

Result<JsonValue> parse_line(std::string_view bytes, std::string& checksum) {
  ADWEAVE_ASSIGN(checksum, checked_checksum(bytes));
  ADWEAVE_ASSIGN(JsonValue json, parse_json(bytes));
  ADWEAVE_ASSIGN(const int64_t format, json.int_at("format_version"));
  if (format > limits::kFormatVersion) {
    return Error{ErrorCode::newer_format,
                 "it has format " + std::to_string(format) + ", this program knows up to " +
                     std::to_string(limits::kFormatVersion),
                 "use the newer adweave that wrote it"};
  }
  return json;
}

void Counts::add(const Counts& other) {
  records_read += other.records_read;
  accepted += other.accepted;
  duplicate += other.duplicate;
  conflict += other.conflict;
  rejected += other.rejected;
}

std::string to_bytes(CommitRecord& record) {
  return to_line(record, record.checksum);
}

Result<CommitRecord> parse_commit(std::string_view bytes) {
  CommitRecord record;
  ADWEAVE_ASSIGN(const int64_t format, from_line(bytes, record, record.checksum));
  if (format < 3) {
    for (event::DataFile& file : record.added) file.first_commit = file.commit = record.number;
  }
  return record;
}

std::string commit_path(int64_t number) {
  return fmt::format("ledger/{:020}.commit", number);
}

std::string pack_path(int64_t number) {
  const int64_t last = last_of_pack(number);
  return fmt::format("ledger/{:020}-{:020}.pack", last - limits::kRecordsPerPack + 1, last);
}

int64_t last_of_pack(int64_t number) {
  const int64_t packs_before = (number - 1) / limits::kRecordsPerPack;
  return (packs_before + 1) * limits::kRecordsPerPack;
}

std::string counted_source(bool replayed, std::string_view source) {
  return std::string(replayed ? kReplayPrefix : "").append(source);
}

std::string_view row_source(std::string_view counted) {
  if (counted.starts_with(kReplayPrefix)) counted.remove_prefix(kReplayPrefix.size());
  return counted;
}

}  // namespace adweave::ledger
