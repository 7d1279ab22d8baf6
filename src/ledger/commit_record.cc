// SPDX-License-Identifier: Apache-2.0
#include "ledger/commit_record.h"

#include <cstdio>
#include <type_traits>

#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"

namespace adweave::ledger {

namespace {

constexpr std::string_view kChecksumMember = ",\"checksum\":\"";
constexpr size_t kChecksumDigits = 32;
constexpr std::string_view kEnd = "\"}\n";

// One list of members for writing and for reading, so that the two cannot differ.
template <class Record, class V>
void members(Record& r, V&& visit, int64_t format = limits::kFormatVersion)
  requires requires { r.previous; }
{
  visit("number", r.number);
  visit("previous", r.previous);
  visit("epoch", r.epoch);
  visit("kind", r.kind);
  visit("ledger_id", r.ledger_id);
  visit("program", r.program);
  visit("committed_at", r.committed_at);
  visit("schema", r.schema);
  visit("configuration", r.configuration);
  visit("positions", r.positions);
  visit("counts", r.counts);
  visit("added", r.added);
  visit("dimensions", r.dimensions);
  if (format < 2) return;
  visit("heads", r.heads);
  visit("retained_from", r.retained_from);
  visit("retired", r.retired);
  visit("closed_through", r.closed_through);
  if (format < 3) return;
  visit("replaced", r.replaced);
}

template <class Position, class V>
void members(Position& p, V&& visit, int64_t = 0)
  requires requires { p.mapping; }
{
  visit("source", p.source);
  visit("file", p.file);
  visit("size", p.size);
  visit("hash", p.hash);
  visit("before", p.before);
  visit("after", p.after);
  visit("mapping", p.mapping);
  visit("done", p.done);
}

template <class C, class V>
void members(C& c, V&& visit, int64_t = 0)
  requires requires { c.records_read; }
{
  visit("source", c.source);
  visit("records_read", c.records_read);
  visit("accepted", c.accepted);
  visit("duplicate", c.duplicate);
  visit("conflict", c.conflict);
  visit("rejected", c.rejected);
}

template <class F, class V>
void members(F& f, V&& visit, int64_t format = limits::kFormatVersion)
  requires requires { f.time_min; }
{
  visit("table", f.table);
  visit("path", f.path);
  visit("date", f.date);
  visit("rows", f.rows);
  visit("bytes", f.bytes);
  visit("checksum", f.checksum);
  visit("time_min", f.time_min);
  visit("time_max", f.time_max);
  if (format < 3) return;
  visit("first_commit", f.first_commit);
  visit("commit", f.commit);
}

template <class D, class V>
void members(D& d, V&& visit, int64_t = 0)
  requires requires { d.original; }
{
  visit("name", d.name);
  visit("path", d.path);
  visit("original", d.original);
  visit("bytes", d.bytes);
  visit("checksum", d.checksum);
}

template <class H, class V>
void members(H& h, V&& visit, int64_t = 0)
  requires requires {
    h.hash;
    h.bytes.size();
  }
{
  visit("source", h.source);
  visit("file", h.file);
  visit("hash", h.hash);
  visit("bytes", h.bytes);
}

template <class R, class V>
void members(R& r, V&& visit, int64_t = 0)
  requires requires {
    r.commit;
    r.source;
    r.rows;
  }
{
  visit("commit", r.commit);
  visit("source", r.source);
  visit("rows", r.rows);
}

template <class P, class V>
void members(P& p, V&& visit, int64_t = 0)
  requires(std::is_same_v<std::remove_const_t<P>, ReplacedFile>)
{
  visit("path", p.path);
}

JsonValue to_json(int64_t value) {
  return value;
}
JsonValue to_json(const std::string& value) {
  return value;
}

template <class T>
JsonValue object_of(const T& item);

template <class T>
JsonValue to_json(const std::vector<T>& items) {
  JsonValue::Array array;
  for (const T& item : items) array.push_back(object_of(item));
  return array;
}

template <class T>
JsonValue object_of(const T& item) {
  JsonValue::Object object;
  members(item,
          [&](const char* name, const auto& value) { object.emplace_back(name, to_json(value)); });
  return object;
}

Status from_json(const JsonValue& object, const char* name, int64_t& out, int64_t) {
  ADWEAVE_ASSIGN(out, object.int_at(name));
  return {};
}

Status from_json(const JsonValue& object, const char* name, std::string& out, int64_t) {
  ADWEAVE_ASSIGN(out, object.string_at(name));
  return {};
}

template <class T>
Status read_members(const JsonValue& object, T& out, int64_t format);

template <class T>
Status from_json(const JsonValue& object, const char* name, std::vector<T>& out, int64_t format) {
  ADWEAVE_ASSIGN(const JsonValue::Array* array, object.array_at(name));
  for (const JsonValue& item : *array) ADWEAVE_TRY(read_members(item, out.emplace_back(), format));
  return {};
}

template <class T>
Status read_members(const JsonValue& object, T& out, int64_t format) {
  Status status;
  const auto read = [&](const char* name, auto& value) {
    if (status) status = from_json(object, name, value, format);
  };
  members(out, read, format);
  return status;
}

Error corrupt(const std::string& what) {
  return {ErrorCode::corrupt, what};
}

// The checksum at the record's end, after it has been compared with the bytes before it.
Result<std::string> checked_checksum(std::string_view bytes) {
  const size_t tail = kChecksumMember.size() + kChecksumDigits + kEnd.size();
  if (bytes.size() <= tail || !bytes.ends_with(kEnd))
    return corrupt("the record is torn: its end is missing");
  const std::string_view body = bytes.substr(0, bytes.size() - tail);
  const std::string_view end = bytes.substr(body.size());
  if (!end.starts_with(kChecksumMember)) return corrupt("the record has no checksum at its end");
  const std::string stated(end.substr(kChecksumMember.size(), kChecksumDigits));
  if (to_hex(hash128(body)) != stated)
    return corrupt("the record's checksum does not match its bytes");
  return stated;
}

}  // namespace

void Counts::add(const Counts& other) {
  records_read += other.records_read;
  accepted += other.accepted;
  duplicate += other.duplicate;
  conflict += other.conflict;
  rejected += other.rejected;
}

std::string to_bytes(CommitRecord& record) {
  JsonValue::Object object = {{"format_version", limits::kFormatVersion}};
  members(record,
          [&](const char* name, const auto& value) { object.emplace_back(name, to_json(value)); });
  std::string bytes = JsonValue(std::move(object)).dump();
  bytes.pop_back();  // the closing brace comes after the checksum
  record.checksum = to_hex(hash128(bytes));
  return bytes.append(kChecksumMember).append(record.checksum).append(kEnd);
}

Result<CommitRecord> parse_commit(std::string_view bytes) {
  ADWEAVE_ASSIGN(std::string checksum, checked_checksum(bytes));
  ADWEAVE_ASSIGN(const JsonValue json, parse_json(bytes));
  ADWEAVE_ASSIGN(const int64_t format, json.int_at("format_version"));
  if (format > limits::kFormatVersion) {
    return Error{ErrorCode::newer_format,
                 "the record has format " + std::to_string(format) + ", this program knows up to " +
                     std::to_string(limits::kFormatVersion),
                 "use the newer adweave that wrote it"};
  }
  CommitRecord record;
  ADWEAVE_TRY(read_members(json, record, format));
  if (format < 3) {
    for (event::DataFile& file : record.added) file.first_commit = file.commit = record.number;
  }
  record.checksum = std::move(checksum);
  return record;
}

std::string commit_path(int64_t number) {
  char name[48];
  std::snprintf(name, sizeof name, "ledger/%020lld.commit", static_cast<long long>(number));
  return name;
}

std::string counted_source(const CommitRecord& record, std::string_view source) {
  return record.kind == "replay" ? std::string(kReplayPrefix).append(source) : std::string(source);
}

std::string_view row_source(std::string_view counted) {
  if (counted.starts_with(kReplayPrefix)) counted.remove_prefix(kReplayPrefix.size());
  return counted;
}

}  // namespace adweave::ledger
