// SPDX-License-Identifier: Apache-2.0
#include "lake/delta_checkpoint.h"

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>

#include "base/check.h"
#include "lake/file_streams.h"

namespace adweave::lake {

namespace {

using TypePtr = std::shared_ptr<arrow::DataType>;

// What a protocol 1/2 checkpoint holds.
std::shared_ptr<arrow::Schema> checkpoint_schema() {
  const TypePtr& text = arrow::utf8();
  const TypePtr& number = arrow::int64();
  const TypePtr& flag = arrow::boolean();
  const TypePtr strings = arrow::map(text, text);
  const auto field = [](const char* name, const TypePtr& type) { return arrow::field(name, type); };
  return arrow::schema({
      field("txn", arrow::struct_({field("appId", text), field("version", number),
                                   field("lastUpdated", number)})),
      field("add", arrow::struct_({field("path", text), field("partitionValues", strings),
                                   field("size", number), field("modificationTime", number),
                                   field("dataChange", flag), field("stats", text)})),
      field("remove",
            arrow::struct_({field("path", text), field("deletionTimestamp", number),
                            field("dataChange", flag), field("extendedFileMetadata", flag),
                            field("partitionValues", strings), field("size", number)})),
      field("metaData",
            arrow::struct_(
                {field("id", text),
                 field("format",
                       arrow::struct_({field("provider", text), field("options", strings)})),
                 field("schemaString", text), field("partitionColumns", arrow::list(text)),
                 field("configuration", strings), field("createdTime", number)})),
      field("protocol", arrow::struct_({field("minReaderVersion", arrow::int32()),
                                        field("minWriterVersion", arrow::int32())})),
  });
}

arrow::Status append(arrow::ArrayBuilder& builder, const JsonValue* value);

arrow::Status append_struct(arrow::StructBuilder& builder, const JsonValue& value) {
  ARROW_RETURN_NOT_OK(builder.Append());
  for (int i = 0; i < builder.num_fields(); ++i) {
    const std::string name = builder.type()->field(i)->name();  // the type is made anew
    ARROW_RETURN_NOT_OK(append(*builder.field_builder(i), value.find(name)));
  }
  return arrow::Status::OK();
}

arrow::Status append_map(arrow::MapBuilder& builder, const JsonValue& value) {
  ARROW_RETURN_NOT_OK(builder.Append());
  for (const auto& [key, item] : *value.as_object()) {
    const JsonValue name(key);
    ARROW_RETURN_NOT_OK(append(*builder.key_builder(), &name));
    ARROW_RETURN_NOT_OK(append(*builder.item_builder(), &item));
  }
  return arrow::Status::OK();
}

arrow::Status append_list(arrow::ListBuilder& builder, const JsonValue& value) {
  ARROW_RETURN_NOT_OK(builder.Append());
  for (const JsonValue& item : *value.as_array())
    ARROW_RETURN_NOT_OK(append(*builder.value_builder(), &item));
  return arrow::Status::OK();
}

// A value that is absent or of another type than the column is null.
arrow::Status append(arrow::ArrayBuilder& builder, const JsonValue* value) {
  if (value == nullptr) return builder.AppendNull();
  switch (builder.type()->id()) {
    case arrow::Type::STRUCT:
      if (value->as_object() != nullptr)
        return append_struct(static_cast<arrow::StructBuilder&>(builder), *value);
      break;
    case arrow::Type::MAP:
      if (value->as_object() != nullptr)
        return append_map(static_cast<arrow::MapBuilder&>(builder), *value);
      break;
    case arrow::Type::LIST:
      if (value->as_array() != nullptr)
        return append_list(static_cast<arrow::ListBuilder&>(builder), *value);
      break;
    case arrow::Type::STRING:
      if (const std::string* text = value->as_string())
        return static_cast<arrow::StringBuilder&>(builder).Append(*text);
      break;
    case arrow::Type::INT64:
      if (const int64_t* number = value->as_int())
        return static_cast<arrow::Int64Builder&>(builder).Append(*number);
      break;
    case arrow::Type::INT32:
      if (const int64_t* number = value->as_int())
        return static_cast<arrow::Int32Builder&>(builder).Append(static_cast<int32_t>(*number));
      break;
    case arrow::Type::BOOL:
      if (const bool* flag = value->as_bool())
        return static_cast<arrow::BooleanBuilder&>(builder).Append(*flag);
      break;
    default:
      break;
  }
  return builder.AppendNull();
}

arrow::Result<std::shared_ptr<arrow::Table>> to_table(const std::vector<JsonValue>& actions) {
  const auto schema = checkpoint_schema();
  arrow::ArrayVector columns;
  for (const auto& field : schema->fields()) {
    ARROW_ASSIGN_OR_RAISE(const auto builder, arrow::MakeBuilder(field->type()));
    for (const JsonValue& action : actions)
      ARROW_RETURN_NOT_OK(append(*builder, action.find(field->name())));
    ARROW_ASSIGN_OR_RAISE(auto column, builder->Finish());
    columns.push_back(std::move(column));
  }
  return arrow::Table::Make(schema, columns);
}

arrow::Result<std::shared_ptr<arrow::Buffer>> to_parquet(const std::vector<JsonValue>& actions) {
  ARROW_ASSIGN_OR_RAISE(const auto table, to_table(actions));
  ARROW_ASSIGN_OR_RAISE(const auto out, arrow::io::BufferOutputStream::Create());
  const auto properties = parquet::WriterProperties::Builder()
                              .compression(arrow::Compression::SNAPPY)
                              ->created_by("adweave")
                              ->build();
  ARROW_RETURN_NOT_OK(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), out,
                                                 table->num_rows() + 1, properties));
  return out->Finish();
}

// One value of an array; null for what is null or of a type that no action of ours has.
JsonValue value_of(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return {};
  switch (array.type_id()) {
    case arrow::Type::STRUCT: {
      const auto& parts = static_cast<const arrow::StructArray&>(array);
      JsonValue::Object object;
      for (int i = 0; i < parts.num_fields(); ++i) {
        JsonValue part = value_of(*parts.field(i), row);
        if (!part.is_null()) object.emplace_back(parts.type()->field(i)->name(), std::move(part));
      }
      return object;
    }
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapArray&>(array);
      JsonValue::Object object;
      for (int64_t i = map.value_offset(row); i < map.value_offset(row + 1); ++i) {
        const JsonValue key = value_of(*map.keys(), i);
        if (key.as_string() != nullptr)
          object.emplace_back(*key.as_string(), value_of(*map.items(), i));
      }
      return object;
    }
    case arrow::Type::LIST: {
      const auto& list = static_cast<const arrow::ListArray&>(array);
      JsonValue::Array items;
      for (int64_t i = list.value_offset(row); i < list.value_offset(row + 1); ++i)
        items.push_back(value_of(*list.values(), i));
      return items;
    }
    case arrow::Type::STRING:
      return static_cast<const arrow::StringArray&>(array).GetView(row);
    case arrow::Type::INT64:
      return static_cast<const arrow::Int64Array&>(array).Value(row);
    case arrow::Type::INT32:
      return static_cast<int64_t>(static_cast<const arrow::Int32Array&>(array).Value(row));
    case arrow::Type::BOOL:
      return static_cast<const arrow::BooleanArray&>(array).Value(row);
    default:
      return {};
  }
}

arrow::Result<std::vector<JsonValue>> read_actions(const std::shared_ptr<InputFile>& input) {
  ARROW_ASSIGN_OR_RAISE(const auto reader,
                        parquet::arrow::OpenFile(input, arrow::default_memory_pool()));
  ARROW_ASSIGN_OR_RAISE(const auto table, reader->ReadTable());
  ARROW_ASSIGN_OR_RAISE(const auto rows, table->CombineChunksToBatch());
  std::vector<JsonValue> actions;
  for (int64_t row = 0; row < rows->num_rows(); ++row) {
    JsonValue action = JsonValue::Object();
    for (int i = 0; i < rows->num_columns(); ++i) {
      JsonValue part = value_of(*rows->column(i), row);
      if (!part.is_null()) action.set(rows->column_name(i), std::move(part));
    }
    actions.push_back(std::move(action));
  }
  return actions;
}

}  // namespace

Result<std::string> delta_checkpoint(const std::vector<JsonValue>& actions) {
  const auto bytes = to_parquet(actions);
  if (!bytes.ok()) return Error{ErrorCode::internal, bytes.status().message()};
  return (*bytes)->ToString();
}

Result<std::vector<JsonValue>> read_delta_checkpoint(const FileSystem& fs,
                                                     const std::string& path) {
  ADWEAVE_ASSIGN(std::unique_ptr<File> opened, fs.open(path));
  ADWEAVE_ASSIGN(const FileInfo info, fs.info(path));
  std::string problem;
  try {
    auto actions = read_actions(std::make_shared<InputFile>(std::move(opened), info.size));
    if (actions.ok()) return *std::move(actions);
    problem = actions.status().message();
  } catch (const parquet::ParquetException& e) {
    problem = e.what();
  }
  return Error{ErrorCode::corrupt, path + ": " + problem, ""};
}

}  // namespace adweave::lake
