// SPDX-License-Identifier: Apache-2.0
// The mapping language: what a source's bytes look like and how their values become fields. Plain
// data; the configuration fills it in (docs/reference/config.md shows the YAML form),
// make_decoder() checks and compiles it.
//
//   rows:                                       # the first rule that fits decides; none fits:
//   reject unknown_kind
//     - when: {conversion_type: ["", click]}
//       kind: click
//       fields:
//         campaign_id: campaign_id              # field: path
//         event_time: {from: timestamp, time: "%Y-%m-%d %H:%M:%S", zone: Europe/Berlin}
//
// A path names a value: in JSON and Avro `user_info.user_id`, `cur[0]`; in CSV a column; in a line
// pattern a field; `$` is the whole record as JSON text, of any JSON type. A value may be computed
// from numbers of the record (expression.h); conditions choose rows, never values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/money.h"
#include "decode/schema_book.h"
#include "event/schema.h"

namespace adweave::decode {

enum class Format { json, csv, avro, lines };

// What a file is packed in; `detect` goes by its first bytes.
enum class Compression { detect, none, gzip, zstd, bzip2, xz };

// How text is encoded; `detect` knows UTF-16 by its byte order mark and takes all else as UTF-8.
enum class Encoding { detect, utf8, utf16le, utf16be, latin1, windows1252 };

// The path of the record itself.
inline constexpr std::string_view kWholeRecord = "$";

// What a time looks like in the feed.
struct TimeForm {
  enum class Kind { iso, pattern, epoch_s, epoch_ms, epoch_us, epoch_ns };
  Kind kind = Kind::iso;
  std::string pattern;  // of Kind::pattern: %Y %m %d %e %b %H %M %S %f (fraction) %z (offset), the
                        // rest literal
};

// A value is changed by this before it is stored.
enum class Transform {
  none,
  host,   // of a URL: "https://Example.com:8080/a" -> "example.com"
  lower,  // ASCII letters
  upper,
};

// What happens to a value that does not fit its field.
enum class OnError {
  reject,  // the whole event, with reason and value
  null,    // the field is null, the event flagged kValueNulled, the value kept in `extra` under its
           // path
};

// What happens to an event whose field gets no value.
enum class Missing {
  null,    // the field is null
  reject,  // the whole event, as missing_field
};

// What happens to values that no rule reads: new columns, new members.
enum class Unread {
  extra,   // kept as JSON in `extra`
  drop,    // left out
  reject,  // the whole event, as unread_value
};

struct FieldRule {
  event::Field field = event::Field::event_id;
  std::vector<std::string> from;  // paths; the first that has a value wins
  std::optional<std::string>
      join;  // all of `from`, with this between them; null when one has no value
  std::optional<std::string> constant;  // instead of `from`
  std::optional<std::string> compute;   // likewise: an expression, see expression.h
  std::optional<std::string> fallback;  // when `from` gives no value
  std::vector<std::string>
      nulls;  // further words that mean null ("-", "N/A"); the empty text always does
  std::vector<std::pair<std::string, std::string>> values;  // value in the feed -> value stored
  std::optional<std::string>
      other;                    // for a value that `values` does not name; without it, it is kept
  std::vector<TimeForm> times;  // of a time field, tried in order; none: ISO 8601
  std::string zone = "UTC";     // of times that carry no offset
  bool from_receipt = false;    // event_time: take received_time and flag it
  MoneyUnit unit = MoneyUnit::unit;  // of a money field
  char decimal = '.';                // of a number
  std::optional<char> thousands;     // between groups of three digits of a number
  Transform transform = Transform::none;
  OnError on_error = OnError::reject;
  Missing missing = Missing::null;
};

// Holds when the value at `path` is one of `words` ("" is an absent, null or empty value).
struct Condition {
  std::string path;
  std::vector<std::string> words;
  bool negated = false;
};

struct RowRule {
  std::vector<Condition> when;      // all must hold; none: always
  std::optional<event::Kind> kind;  // empty: the row is rejected as `filtered`
  std::string name;                 // of a filter, for the reject
  std::vector<FieldRule> fields;
};

struct MappingSpec {
  std::string explode;  // path of an array: one event an element; absent or empty array: one event
                        // without element
  std::vector<RowRule> rows;
  Unread unread = Unread::extra;
};

// How records of JSON lie in a file.
enum class JsonFraming {
  lines,         // one a line, so that a broken one loses only itself
  array,         // elements of one array
  concatenated,  // one after the other, with or without space between
  document,      // the file is one record
};

// What a schema did to the records it was written with, and is undone; by names of members, at any
// depth.
struct AvroUndo {
  std::vector<std::string> json_text;  // a text that holds JSON is that JSON
  std::vector<std::string> merge;      // this map's members, JSON texts, are members of its record
  std::vector<std::string> ignore;     // left out

  bool any() const { return !json_text.empty() || !merge.empty() || !ignore.empty(); }
};

// How Avro data lie in a file.
enum class AvroFraming {
  container,      // object container file, with its schema
  confluent,      // 0, schema id (4 bytes, big-endian), data: as a schema registry's clients send
  single_object,  // C3 01, fingerprint of the schema (8 bytes, little-endian), data
};

struct AvroSpec {
  AvroFraming framing = AvroFraming::container;
  std::string schema;  // JSON of the reader's schema; empty: as written
  std::vector<std::pair<int64_t, std::string>> schemas;  // JSON of the writers', by id (confluent)
  bool from_registry = false;  // and those of `book`, which is given before data is decoded
  std::shared_ptr<const SchemaBook> book = nullptr;
  // Messages are texts in base64, one a line: at this path of a JSON object, or the line itself
  // ("$"). Empty: one after the other.
  std::string envelope;
  AvroUndo undo;
};

// What happens to a row with fewer fields than the header. One with more is a reject.
enum class ShortRows { reject, fill };

struct CsvDialect {
  char delimiter = ',';
  std::optional<char> quote = '"';
  std::optional<char> escape;   // within quotes, before a quote or itself; none: quotes are doubled
  std::optional<char> comment;  // a line that begins with it is no record
  int skip = 0;                 // lines before the header
  bool header = true;           // the first row names the columns
  std::vector<std::string> columns;  // their names when there is no header
  ShortRows short_rows = ShortRows::reject;
};

struct DecoderSpec {
  std::string source;  // name
  Format format = Format::json;
  Compression compression = Compression::detect;
  Encoding encoding = Encoding::detect;  // of json, csv and lines
  JsonFraming framing = JsonFraming::lines;
  CsvDialect csv;
  AvroSpec avro;
  std::string pattern;  // of Format::lines: {name} fields and literal text, see line_pattern.h
  MappingSpec mapping;
  int64_t event_bytes_max = limits::kEventBytesMax;
  int nesting_max = limits::kNestingMax;
  int64_t expansion_max =
      limits::kExpansionMax;  // content bytes for each byte of a compressed file
};

}  // namespace adweave::decode
