// SPDX-License-Identifier: Apache-2.0
#include "lake/arrow_columns.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include <arrow/api.h>
#include <arrow/util/bit_util.h>

namespace adweave::lake {

namespace {

using ArrayResult = arrow::Result<std::shared_ptr<arrow::Array>>;

int64_t row_count(std::span<const PartRows> parts) {
  int64_t rows = 0;
  for (const PartRows& part : parts) rows += static_cast<int64_t>(part.rows.size());
  return rows;
}

template <class Column>
const Column& column_of(const PartRows& part, size_t column) {
  return *std::get<const Column*>(part.part->columns[column]);
}

// Which rows have a value, as Arrow's validity bitmap: made at the first that has none.
class ValidRows {
 public:
  explicit ValidRows(int64_t rows) : rows_(rows) {}

  arrow::Status set_null(int64_t row) {
    if (!bitmap_) {
      ARROW_ASSIGN_OR_RAISE(bitmap_, arrow::AllocateBitmap(rows_));
      std::memset(bitmap_->mutable_data(), 0xff, static_cast<size_t>(bitmap_->size()));
    }
    arrow::bit_util::ClearBit(bitmap_->mutable_data(), row);
    ++nulls_;
    return arrow::Status::OK();
  }
  std::shared_ptr<arrow::Buffer> bitmap() const { return bitmap_; }
  int64_t nulls() const { return nulls_; }

 private:
  int64_t rows_;
  int64_t nulls_ = 0;
  std::shared_ptr<arrow::Buffer> bitmap_;
};

// Values of one width: each row's, converted by `convert` into a Value.
template <class Column, class Value, class Convert>
ArrayResult fixed_array(const std::shared_ptr<arrow::DataType>& type, size_t column,
                        std::span<const PartRows> parts, Convert convert) {
  const int64_t rows = row_count(parts);
  ValidRows valid(rows);
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer,
                        arrow::AllocateBuffer(rows * static_cast<int64_t>(sizeof(Value))));
  auto* out = reinterpret_cast<Value*>(buffer->mutable_data());
  int64_t at = 0;
  for (const PartRows& part : parts) {
    const Column& values = column_of<Column>(part, column);
    for (const int32_t row : part.rows) {
      if (values.has(row)) {
        out[at] = convert(values[row]);
      } else {
        out[at] = Value{};
        ARROW_RETURN_NOT_OK(valid.set_null(at));
      }
      ++at;
    }
  }
  return arrow::MakeArray(
      arrow::ArrayData::Make(type, rows, {valid.bitmap(), std::move(buffer)}, valid.nulls()));
}

template <class Column>
const event::StrColumn& text_of(const PartRows& part, size_t column) {
  if constexpr (std::is_same_v<Column, event::IdColumn>) {
    return column_of<Column>(part, column).text();
  } else {
    return column_of<Column>(part, column);
  }
}

template <class Column>
ArrayResult text_array(const std::shared_ptr<arrow::DataType>& type, size_t column,
                       std::span<const PartRows> parts) {
  const int64_t rows = row_count(parts);
  ValidRows valid(rows);
  int64_t length = 0;
  for (const PartRows& part : parts) {
    const event::StrColumn& values = text_of<Column>(part, column);
    for (const int32_t row : part.rows) length += values.length(row);
  }
  if (length > INT32_MAX) return arrow::Status::CapacityError("over 2 GiB of text in a column");
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> bytes, arrow::AllocateBuffer(length));
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> offsets,
                        arrow::AllocateBuffer((rows + 1) * int64_t{sizeof(int32_t)}));
  auto* out = reinterpret_cast<int32_t*>(offsets->mutable_data());
  int32_t end = 0;
  int64_t at = 0;
  for (const PartRows& part : parts) {
    const event::StrColumn& values = text_of<Column>(part, column);
    for (const int32_t row : part.rows) {
      out[at] = end;
      if (values.has(row)) {
        const std::string_view text = values[row];
        std::memcpy(bytes->mutable_data() + end, text.data(), text.size());
        end += static_cast<int32_t>(text.size());
      } else {
        ARROW_RETURN_NOT_OK(valid.set_null(at));
      }
      ++at;
    }
  }
  out[rows] = end;
  return arrow::MakeArray(arrow::ArrayData::Make(
      type, rows, {valid.bitmap(), std::move(offsets), std::move(bytes)}, valid.nulls()));
}

ArrayResult bool_array(size_t column, std::span<const PartRows> parts) {
  arrow::BooleanBuilder builder;
  ARROW_RETURN_NOT_OK(builder.Reserve(row_count(parts)));
  for (const PartRows& part : parts) {
    const auto& values = column_of<event::BoolColumn>(part, column);
    for (const int32_t row : part.rows) {
      if (values.has(row)) {
        builder.UnsafeAppend(values[row] != 0);
      } else {
        builder.UnsafeAppendNull();
      }
    }
  }
  return builder.Finish();
}

// Codes of the parts' own dictionaries -> codes of the one dictionary of the file.
ArrayResult dictionary_array(size_t column, std::span<const PartRows> parts) {
  const int64_t rows = row_count(parts);
  event::Dictionary merged;
  ValidRows valid(rows);
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> codes,
                        arrow::AllocateBuffer(rows * int64_t{sizeof(int32_t)}));
  auto* out = reinterpret_cast<int32_t*>(codes->mutable_data());
  int64_t at = 0;
  for (const PartRows& part : parts) {
    const auto& values = column_of<event::DictColumn>(part, column);
    std::vector<int32_t> merged_code(static_cast<size_t>(values.dictionary().size()), -1);
    for (const int32_t row : part.rows) {
      out[at] = 0;
      if (values.has(row)) {
        int32_t& code = merged_code[static_cast<size_t>(values.code(row))];
        if (code < 0) code = merged.code_of(values[row]);
        out[at] = code;
      } else {
        ARROW_RETURN_NOT_OK(valid.set_null(at));
      }
      ++at;
    }
  }
  arrow::StringBuilder strings;
  for (int32_t code = 0; code < merged.size(); ++code)
    ARROW_RETURN_NOT_OK(strings.Append(merged[code]));
  ARROW_ASSIGN_OR_RAISE(const auto dictionary, strings.Finish());
  const auto indices = arrow::MakeArray(arrow::ArrayData::Make(
      arrow::int32(), rows, {valid.bitmap(), std::move(codes)}, valid.nulls()));
  return arrow::DictionaryArray::FromArrays(arrow_type(event::Type::Dict), indices, dictionary);
}

bool is_null(size_t column, std::span<const PartRows> parts) {
  const auto has_none = [](const auto* values) { return values->is_empty(); };
  return std::all_of(parts.begin(), parts.end(), [&](const PartRows& part) {
    return std::visit(has_none, part.part->columns[column]);
  });
}

bool is_one_code(const arrow::DictionaryArray& rows) {
  const auto& codes = static_cast<const arrow::Int32Array&>(*rows.indices());
  const int32_t* first = codes.raw_values();
  return std::all_of(first, first + codes.length(),
                     [code = *first](int32_t other) { return other == code; });
}

}  // namespace

std::shared_ptr<arrow::DataType> arrow_type(event::Type type) {
  switch (type) {
    case event::Type::Str:
    case event::Type::Id:
      return arrow::utf8();
    case event::Type::Bytes:
      return arrow::binary();
    case event::Type::Dict:
      return arrow::dictionary(arrow::int32(), arrow::utf8());
    case event::Type::Time:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case event::Type::Money:
      return arrow::decimal128(18, 9);
    case event::Type::WideMoney:
      return arrow::decimal128(38, 9);
    case event::Type::Int:
      return arrow::int64();
    case event::Type::Float:
      return arrow::float64();
    case event::Type::Bool:
      return arrow::boolean();
  }
  return arrow::null();
}

ArrayResult arrow_array(event::Type type, size_t column, std::span<const PartRows> parts) {
  const std::shared_ptr<arrow::DataType> made = arrow_type(type);
  if (is_null(column, parts)) return arrow::MakeArrayOfNull(made, row_count(parts));
  const auto same = [](auto value) { return value; };
  const auto wide = [](int64_t nanos) { return Int128{nanos}; };
  switch (type) {
    case event::Type::Dict:
      return dictionary_array(column, parts);
    case event::Type::Str:
      return text_array<event::StrColumn>(made, column, parts);
    case event::Type::Id:
      return text_array<event::IdColumn>(made, column, parts);
    case event::Type::Bytes:
      return text_array<event::BytesColumn>(made, column, parts);
    case event::Type::Time:
      return fixed_array<event::TimeColumn, int64_t>(made, column, parts, same);
    case event::Type::Money:  // Arrow's decimals are 16 bytes, little end first
      return fixed_array<event::MoneyColumn, Int128>(made, column, parts, wide);
    case event::Type::WideMoney:
      return fixed_array<event::WideMoneyColumn, Int128>(made, column, parts, same);
    case event::Type::Int:
      return fixed_array<event::IntColumn, int64_t>(made, column, parts, same);
    case event::Type::Float:
      return fixed_array<event::FloatColumn, double>(made, column, parts, same);
    case event::Type::Bool:
      return bool_array(column, parts);
  }
  return arrow::Status::Invalid("no such type");
}

std::optional<SameInAll> same_in_all(const arrow::ChunkedArray& rows) {
  if (rows.null_count() == rows.length()) return SameInAll{};
  if (rows.type()->id() != arrow::Type::DICTIONARY || rows.null_count() > 0) return std::nullopt;
  SameInAll same;
  for (const auto& chunk : rows.chunks()) {
    if (chunk->length() == 0) continue;
    const auto& values = static_cast<const arrow::DictionaryArray&>(*chunk);
    if (!is_one_code(values)) return std::nullopt;
    const std::string value = static_cast<const arrow::StringArray&>(*values.dictionary())
                                  .GetString(values.GetValueIndex(0));
    if (same.value.has_value() && *same.value != value) return std::nullopt;
    same.value = value;
  }
  return same;
}

}  // namespace adweave::lake
