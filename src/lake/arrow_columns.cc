// SPDX-License-Identifier: Apache-2.0
#include "lake/arrow_columns.h"

#include <algorithm>

#include <arrow/api.h>
#include <arrow/util/decimal.h>

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

// Appends each row's value, converted by `convert`, or null.
template <class Column, class Builder, class Convert>
ArrayResult build(Builder& builder, size_t column, std::span<const PartRows> parts,
                  Convert convert) {
  ARROW_RETURN_NOT_OK(builder.Reserve(row_count(parts)));
  for (const PartRows& part : parts) {
    const Column& values = column_of<Column>(part, column);
    for (const int32_t row : part.rows) {
      if (values.has(row)) {
        ARROW_RETURN_NOT_OK(builder.Append(convert(values[row])));
      } else {
        ARROW_RETURN_NOT_OK(builder.AppendNull());
      }
    }
  }
  return builder.Finish();
}

arrow::Decimal128 decimal(Int128 nanos) {
  return {static_cast<int64_t>(nanos >> 64), static_cast<uint64_t>(nanos)};
}

// Codes of the parts' own dictionaries -> codes of the one dictionary of the file.
ArrayResult build_dictionary(size_t column, std::span<const PartRows> parts) {
  event::Dictionary merged;
  arrow::Int32Builder codes;
  ARROW_RETURN_NOT_OK(codes.Reserve(row_count(parts)));
  for (const PartRows& part : parts) {
    const auto& values = column_of<event::DictColumn>(part, column);
    std::vector<int32_t> merged_code(static_cast<size_t>(values.dictionary().size()), -1);
    for (const int32_t row : part.rows) {
      if (!values.has(row)) {
        ARROW_RETURN_NOT_OK(codes.AppendNull());
        continue;
      }
      int32_t& code = merged_code[static_cast<size_t>(values.code(row))];
      if (code < 0) code = merged.code_of(values[row]);
      ARROW_RETURN_NOT_OK(codes.Append(code));
    }
  }
  arrow::StringBuilder strings;
  for (int32_t code = 0; code < merged.size(); ++code)
    ARROW_RETURN_NOT_OK(strings.Append(merged[code]));
  ARROW_ASSIGN_OR_RAISE(const auto indices, codes.Finish());
  ARROW_ASSIGN_OR_RAISE(const auto dictionary, strings.Finish());
  return arrow::DictionaryArray::FromArrays(arrow_type(event::Type::Dict), indices, dictionary);
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
  arrow::MemoryPool* pool = arrow::default_memory_pool();
  const auto same = [](auto value) { return value; };
  switch (type) {
    case event::Type::Dict:
      return build_dictionary(column, parts);
    case event::Type::Str: {
      arrow::StringBuilder builder(pool);
      return build<event::StrColumn>(builder, column, parts, same);
    }
    case event::Type::Id: {
      arrow::StringBuilder builder(pool);
      return build<event::IdColumn>(builder, column, parts, same);
    }
    case event::Type::Bytes: {
      arrow::BinaryBuilder builder(pool);
      return build<event::BytesColumn>(builder, column, parts, same);
    }
    case event::Type::Time: {
      arrow::TimestampBuilder builder(arrow_type(type), pool);
      return build<event::TimeColumn>(builder, column, parts, same);
    }
    case event::Type::Money: {
      arrow::Decimal128Builder builder(arrow_type(type), pool);
      return build<event::MoneyColumn>(builder, column, parts,
                                       [](int64_t nanos) { return decimal(nanos); });
    }
    case event::Type::WideMoney: {
      arrow::Decimal128Builder builder(arrow_type(type), pool);
      return build<event::WideMoneyColumn>(builder, column, parts, decimal);
    }
    case event::Type::Int: {
      arrow::Int64Builder builder(pool);
      return build<event::IntColumn>(builder, column, parts, same);
    }
    case event::Type::Float: {
      arrow::DoubleBuilder builder(pool);
      return build<event::FloatColumn>(builder, column, parts, same);
    }
    case event::Type::Bool: {
      arrow::BooleanBuilder builder(pool);
      return build<event::BoolColumn>(builder, column, parts,
                                      [](uint8_t value) { return value != 0; });
    }
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
