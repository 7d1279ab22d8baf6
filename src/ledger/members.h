// SPDX-License-Identifier: Apache-2.0
// For the room itself: what the ledger writes is one line of JSON that ends with its checksum. Each
// struct has one list of members, for writing and for reading, so that the two cannot differ.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/limits.h"
#include "ledger/commit_record.h"

namespace adweave::ledger {

// The line `object` with a last member "checksum": hash128 of all bytes before it, hexadecimal. It
// is also put into `checksum`.
std::string with_checksum(JsonValue::Object object, std::string& checksum);

// The line's JSON, after its checksum, which is put into `checksum`, has been compared with its
// bytes. Fails with corrupt, or with newer_format when a newer program wrote it.
Result<JsonValue> parse_line(std::string_view bytes, std::string& checksum);

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
  if (format < 4) return;
  visit("vacuumed", r.vacuumed);
}

template <class Position, class V>
void members(Position& p, V&& visit, int64_t format = limits::kFormatVersion)
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
  if (format < 5) return;
  visit("mark", p.mark);
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

template <class R, class V>
void members(R& r, V&& visit, int64_t = 0)
  requires(std::is_same_v<std::remove_const_t<R>, Vacuumed>)
{
  visit("kind", r.kind);
  visit("through", r.through);
}

inline JsonValue to_json(int64_t value) {
  return value;
}
inline JsonValue to_json(const std::string& value) {
  return value;
}
template <class T>
JsonValue to_json(const T& item)
  requires std::is_class_v<T>;

template <class T>
JsonValue to_json(const std::optional<T>& value) {
  return value ? to_json(*value) : JsonValue();
}

template <class T>
JsonValue to_json(const std::vector<T>& items) {
  JsonValue::Array array;
  array.reserve(items.size());
  for (const T& item : items) array.push_back(to_json(item));
  return array;
}

template <class T>
JsonValue to_json(const std::map<std::string, T>& values) {
  JsonValue::Object object;
  for (const auto& [key, value] : values) object.emplace_back(key, to_json(value));
  return object;
}

template <class T>
JsonValue to_json(const T& item)
  requires std::is_class_v<T>
{
  JsonValue::Object object;
  members(item,
          [&](const char* name, const auto& value) { object.emplace_back(name, to_json(value)); });
  return object;
}

inline Status of_another_type() {
  return Error{ErrorCode::corrupt, "is of another type"};
}

inline Status from_json(const JsonValue& json, int64_t& out, int64_t) {
  if (json.as_int() == nullptr) return of_another_type();
  out = *json.as_int();
  return {};
}

inline Status from_json(const JsonValue& json, std::string& out, int64_t) {
  if (json.as_string() == nullptr) return of_another_type();
  out = *json.as_string();
  return {};
}

template <class T>
Status from_json(const JsonValue& json, T& out, int64_t format)
  requires std::is_class_v<T>;

template <class T>
Status from_json(const JsonValue& json, std::optional<T>& out, int64_t format) {
  return json.is_null() ? Status() : from_json(json, out.emplace(), format);
}

template <class T>
Status from_json(const JsonValue& json, std::vector<T>& out, int64_t format) {
  if (json.as_array() == nullptr) return of_another_type();
  out.reserve(json.as_array()->size());
  for (const JsonValue& item : *json.as_array())
    ADWEAVE_TRY(from_json(item, out.emplace_back(), format));
  return {};
}

template <class T>
Status from_json(const JsonValue& json, std::map<std::string, T>& out, int64_t format) {
  if (json.as_object() == nullptr) return of_another_type();
  for (const auto& [key, value] : *json.as_object())
    ADWEAVE_TRY(from_json(value, out[key], format));
  return {};
}

template <class T>
Status from_json(const JsonValue& json, T& out, int64_t format)
  requires std::is_class_v<T>
{
  Status status;
  const auto read = [&](const char* name, auto& value) {
    if (!status) return;
    const JsonValue* member = json.find(name);
    status = member == nullptr ? Error{ErrorCode::corrupt, "is missing"}
                               : from_json(*member, value, format);
    if (!status) status = Error(status.error()).within(name);
  };
  members(out, read, format);
  return status;
}

// The item as a line; its checksum is put into `checksum`.
template <class T>
std::string to_line(const T& item, std::string& checksum) {
  JsonValue::Object object = {{"format_version", limits::kFormatVersion}};
  members(item,
          [&](const char* name, const auto& value) { object.emplace_back(name, to_json(value)); });
  return with_checksum(std::move(object), checksum);
}

// Reads a line into `out`; returns the format that it has. Fails as parse_line() does.
template <class T>
Result<int64_t> from_line(std::string_view bytes, T& out, std::string& checksum) {
  ADWEAVE_ASSIGN(const JsonValue json, parse_line(bytes, checksum));
  ADWEAVE_ASSIGN(const int64_t format, json.int_at("format_version"));
  ADWEAVE_TRY(from_json(json, out, format));
  return format;
}

}  // namespace adweave::ledger
