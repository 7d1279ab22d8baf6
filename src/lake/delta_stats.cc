// SPDX-License-Identifier: Apache-2.0
#include "lake/delta_stats.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/statistics.h>

#include "base/json.h"
#include "base/money.h"
#include "base/time.h"
#include "base/utf8.h"
#include "lake/file_streams.h"

namespace adweave::lake {

namespace {

constexpr size_t kCharactersMax = 32;
constexpr uint32_t kCodePointMax = 0x10FFFF;
constexpr uint32_t kSurrogates = 0xD800;
constexpr uint32_t kAfterSurrogates = 0xE000;

bool is_continuation(char byte) {
  return (static_cast<uint8_t>(byte) & 0xC0) == 0x80;
}

// Where the last character of a text begins.
size_t last_character(std::string_view text) {
  size_t at = text.size() - 1;
  while (at > 0 && is_continuation(text[at])) --at;
  return at;
}

uint32_t code_point(std::string_view character) {
  const auto first = static_cast<uint8_t>(character[0]);
  if (character.size() == 1) return first;
  uint32_t code = first & (0xFFU >> (character.size() + 1));
  for (const char byte : character.substr(1))
    code = code << 6 | (static_cast<uint8_t>(byte) & 0x3F);
  return code;
}

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

// "2023-11-01T10:00:00.123Z"
std::string millis_text(int64_t millis) {
  const CivilTime time = civil_from_micros(millis * kMicrosPerMilli);
  return quoted(fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", time.year, time.month,
                            time.day, time.hour, time.minute, time.second,
                            time.microsecond / kMicrosPerMilli));
}

int64_t floor_millis(int64_t micros) {
  const int64_t millis = micros / kMicrosPerMilli;
  return millis * kMicrosPerMilli > micros ? millis - 1 : millis;
}

// The bounds of a column as JSON text.
struct Bounds {
  std::optional<std::string> min;
  std::optional<std::string> max;
};

template <class Type, class Value>
std::optional<std::pair<Value, Value>> min_max(
    const std::vector<std::shared_ptr<parquet::Statistics>>& groups) {
  std::optional<std::pair<Value, Value>> bounds;
  for (const auto& group : groups) {
    const auto& typed = static_cast<const parquet::TypedStatistics<Type>&>(*group);
    const Value min(typed.min());
    const Value max(typed.max());
    if (!bounds) bounds = {min, max};
    bounds->first = std::min(bounds->first, min);
    bounds->second = std::max(bounds->second, max);
  }
  return bounds;
}

struct Text : std::string {
  using std::string::string;
  explicit Text(const parquet::ByteArray& bytes)
      : std::string(reinterpret_cast<const char*>(bytes.ptr), bytes.len) {}
};

// `groups` are those that hold more than nulls. No bounds for types whose order readers see
// differently.
Bounds bounds_of(event::Type type,
                 const std::vector<std::shared_ptr<parquet::Statistics>>& groups) {
  switch (type) {
    case event::Type::Str:
    case event::Type::Dict:
    case event::Type::Id: {
      const auto range = min_max<parquet::ByteArrayType, Text>(groups);
      if (!range) return {};
      const std::optional<std::string> max = cut_up(range->second);
      return {quoted(cut_down(range->first)), max ? std::optional(quoted(*max)) : std::nullopt};
    }
    case event::Type::Time:
    case event::Type::Int:
    case event::Type::Money: {
      const auto range = min_max<parquet::Int64Type, int64_t>(groups);
      if (!range) return {};
      if (type == event::Type::Int)
        return {std::to_string(range->first), std::to_string(range->second)};
      if (type == event::Type::Money)
        return {format_nanos(range->first), format_nanos(range->second)};
      return {millis_text(floor_millis(range->first)), millis_text(-floor_millis(-range->second))};
    }
    default:
      return {};
  }
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  if (!out.empty()) out += ',';
  append_json_string(out, name);
  out += ':';
  out += value;
}

std::string stats_of(const parquet::FileMetaData& footer, const event::TableInfo& table) {
  std::string least;
  std::string greatest;
  std::string nulls;
  for (const event::ColumnInfo& column : table.columns) {
    const int index = footer.schema()->ColumnIndex(std::string(column.name));
    if (index < 0) continue;
    std::vector<std::shared_ptr<parquet::Statistics>> groups;
    int64_t null_count = 0;
    bool bounded = true;
    for (int i = 0; i < footer.num_row_groups(); ++i) {
      const auto group = footer.RowGroup(i);
      const auto statistics = group->ColumnChunk(index)->statistics();
      if (!statistics || !statistics->HasNullCount()) {
        null_count = -1;
        break;
      }
      null_count += statistics->null_count();
      if (statistics->HasMinMax()) {
        groups.push_back(statistics);
      } else {
        bounded = bounded && statistics->null_count() == group->num_rows();
      }
    }
    if (null_count < 0) continue;
    append_member(nulls, column.name, std::to_string(null_count));
    const Bounds bounds = bounded ? bounds_of(column.type, groups) : Bounds();
    if (bounds.min) append_member(least, column.name, *bounds.min);
    if (bounds.max) append_member(greatest, column.name, *bounds.max);
  }
  return "{\"numRecords\":" + std::to_string(footer.num_rows()) + ",\"minValues\":{" + least +
         "},\"maxValues\":{" + greatest + "},\"nullCount\":{" + nulls + "}}";
}

}  // namespace

std::string_view delta_type(event::Type type) {
  switch (type) {
    case event::Type::Time:
      return "timestamp";
    case event::Type::Money:
      return "decimal(18,9)";
    case event::Type::WideMoney:
      return "decimal(38,9)";
    case event::Type::Int:
      return "long";
    case event::Type::Float:
      return "double";
    case event::Type::Bool:
      return "boolean";
    case event::Type::Bytes:
      return "binary";
    default:
      return "string";
  }
}

std::string cut_down(std::string_view text) {
  size_t at = 0;
  for (size_t characters = 0; at < text.size(); ++at) {
    if (!is_continuation(text[at]) && ++characters > kCharactersMax) break;
  }
  return std::string(text.substr(0, at));
}

std::optional<std::string> cut_up(std::string_view text) {
  std::string cut = cut_down(text);
  if (cut.size() == text.size()) return cut;
  while (!cut.empty()) {
    const size_t at = last_character(cut);
    const uint32_t code = code_point(std::string_view(cut).substr(at));
    cut.resize(at);
    if (code >= kCodePointMax) continue;
    append_utf8(cut, code + 1 == kSurrogates ? kAfterSurrogates : code + 1);
    return cut;
  }
  return std::nullopt;
}

Result<std::string> delta_stats(const FileSystem& fs, const std::string& dir,
                                const event::TableInfo& table, const event::DataFile& file) {
  const std::string path = join_path(dir, file.path);
  ADWEAVE_ASSIGN(std::unique_ptr<File> opened, fs.open(path));
  ADWEAVE_ASSIGN(const FileInfo info, fs.info(path));
  try {
    const auto reader =
        parquet::ParquetFileReader::Open(std::make_shared<InputFile>(std::move(opened), info.size));
    return stats_of(*reader->metadata(), table);
  } catch (const parquet::ParquetException& e) {
    return damaged_file(path, e.what());
  }
}

}  // namespace adweave::lake
