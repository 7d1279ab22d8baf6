// SPDX-License-Identifier: Apache-2.0
#include "query/given_tables.h"

#include <memory>
#include <vector>

#include "query/sql_engine.h"

namespace adweave::query {

namespace {

// What a call of the function was bound to.
struct BoundTable {
  const event::TableInfo* table = nullptr;
  const GivenRows* rows = nullptr;
};

// How far a scan has come.
struct TableScan {
  std::vector<idx_t> columns;  // of the table, those that are wanted
  size_t next = 0;
};

template <class T>
void destroy(void* object) {
  delete static_cast<T*>(object);
}

class LogicalType {
 public:
  explicit LogicalType(event::Type type) : type_(make(type)) {}
  ~LogicalType() { duckdb_destroy_logical_type(&type_); }
  LogicalType(const LogicalType&) = delete;
  LogicalType& operator=(const LogicalType&) = delete;
  duckdb_logical_type get() const { return type_; }

 private:
  static duckdb_logical_type make(event::Type type) {
    constexpr uint8_t kScale = 9;
    constexpr uint8_t kWidth = 18;
    constexpr uint8_t kWideWidth = 38;
    switch (type) {
      case event::Type::Time:
        return duckdb_create_logical_type(DUCKDB_TYPE_TIMESTAMP_TZ);
      case event::Type::Money:
        return duckdb_create_decimal_type(kWidth, kScale);
      case event::Type::WideMoney:
        return duckdb_create_decimal_type(kWideWidth, kScale);
      case event::Type::Int:
        return duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
      case event::Type::Float:
        return duckdb_create_logical_type(DUCKDB_TYPE_DOUBLE);
      case event::Type::Bool:
        return duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
      case event::Type::Bytes:
        return duckdb_create_logical_type(DUCKDB_TYPE_BLOB);
      default:
        return duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    }
  }

  duckdb_logical_type type_;
};

void bind_table(duckdb_bind_info info) {
  duckdb_value parameter = duckdb_bind_get_parameter(info, 0);
  char* name = duckdb_get_varchar(parameter);
  const event::TableInfo* table = event::find_table(name);
  duckdb_free(name);
  duckdb_destroy_value(&parameter);
  if (table == nullptr) return duckdb_bind_set_error(info, "no table has this name");
  for (const event::ColumnInfo& column : table->columns) {
    duckdb_bind_add_result_column(info, std::string(column.name).c_str(),
                                  LogicalType(column.type).get());
  }
  const auto* rows = static_cast<const GivenRows*>(duckdb_bind_get_extra_info(info));
  duckdb_bind_set_bind_data(info, new BoundTable{table, rows}, destroy<BoundTable>);
}

void begin_scan(duckdb_init_info info) {
  auto scan = std::make_unique<TableScan>();
  for (idx_t i = 0; i < duckdb_init_get_column_count(info); ++i)
    scan->columns.push_back(duckdb_init_get_column_index(info, i));
  duckdb_init_set_max_threads(info, 1);
  duckdb_init_set_init_data(info, scan.release(), destroy<TableScan>);
}

template <class T>
void set_number(duckdb_vector vector, idx_t row, T value) {
  static_cast<T*>(duckdb_vector_get_data(vector))[row] = value;
}

void set_null(duckdb_vector vector, idx_t row) {
  duckdb_vector_ensure_validity_writable(vector);
  duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), row);
}

// The value is of the column's type, or null.
void set_value(duckdb_vector vector, idx_t row, const JsonValue& value) {
  if (const std::string* text = value.as_string()) {
    duckdb_vector_assign_string_element_len(vector, row, text->data(), text->size());
  } else if (const int64_t* number = value.as_int()) {
    set_number(vector, row, *number);
  } else if (const double* real = value.as_double()) {
    set_number(vector, row, *real);
  } else if (const bool* truth = value.as_bool()) {
    set_number(vector, row, *truth);
  } else {
    set_null(vector, row);
  }
}

void scan_rows(duckdb_function_info info, duckdb_data_chunk chunk) {
  const auto& bound = *static_cast<const BoundTable*>(duckdb_function_get_bind_data(info));
  auto& scan = *static_cast<TableScan*>(duckdb_function_get_init_data(info));
  const auto found = bound.rows->find(bound.table->name);
  idx_t size = 0;
  if (found != bound.rows->end()) {
    for (; scan.next < found->second.size() && size < duckdb_vector_size(); ++scan.next, ++size) {
      const std::vector<JsonValue>& values = found->second[scan.next];
      for (idx_t i = 0; i < scan.columns.size(); ++i) {
        if (scan.columns[i] >= values.size()) continue;  // none of the columns: rows are counted
        set_value(duckdb_data_chunk_get_vector(chunk, i), size, values[scan.columns[i]]);
      }
    }
  }
  duckdb_data_chunk_set_size(chunk, size);
}

std::string_view text_at(duckdb_vector vector, idx_t row) {
  duckdb_string_t* texts = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector));
  return {duckdb_string_t_data(&texts[row]), duckdb_string_t_length(texts[row])};
}

void tell_values(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  const auto& values =
      *static_cast<const GivenValues*>(duckdb_scalar_function_get_extra_info(info));
  duckdb_vector names = duckdb_data_chunk_get_vector(input, 0);
  for (idx_t row = 0; row < duckdb_data_chunk_get_size(input); ++row) {
    const auto found = values.find(text_at(names, row));
    if (found == values.end()) {
      set_null(output, row);
    } else {
      duckdb_vector_assign_string_element_len(output, row, found->second.data(),
                                              found->second.size());
    }
  }
}

}  // namespace

Status add_given_values(duckdb_connection connection, const GivenValues& values) {
  duckdb_scalar_function function = duckdb_create_scalar_function();
  const LogicalType text(event::Type::Str);
  duckdb_scalar_function_set_name(function, "given_value");
  duckdb_scalar_function_add_parameter(function, text.get());
  duckdb_scalar_function_set_return_type(function, text.get());
  duckdb_scalar_function_set_extra_info(function, const_cast<GivenValues*>(&values), nullptr);
  duckdb_scalar_function_set_function(function, tell_values);
  duckdb_scalar_function_set_volatile(function);  // else its value would be part of the plan
  const duckdb_state state = duckdb_register_scalar_function(connection, function);
  duckdb_destroy_scalar_function(&function);
  if (state == DuckDBSuccess) return {};
  return Error{ErrorCode::query, "the SQL engine does not take a function", ""};
}

Status add_given_rows(duckdb_connection connection, const GivenRows& rows) {
  duckdb_table_function function = duckdb_create_table_function();
  duckdb_table_function_set_name(function, "given_rows");
  duckdb_table_function_add_parameter(function, LogicalType(event::Type::Str).get());
  duckdb_table_function_set_extra_info(function, const_cast<GivenRows*>(&rows), nullptr);
  duckdb_table_function_set_bind(function, bind_table);
  duckdb_table_function_set_init(function, begin_scan);
  duckdb_table_function_set_function(function, scan_rows);
  duckdb_table_function_supports_projection_pushdown(function, true);
  const duckdb_state state = duckdb_register_table_function(connection, function);
  duckdb_destroy_table_function(&function);
  if (state == DuckDBSuccess) return {};
  return Error{ErrorCode::query, "the SQL engine does not take a function", ""};
}

std::string given_select(const event::TableInfo& table) {
  return "SELECT * FROM given_rows(" + sql_text(table.name) + ")";
}

}  // namespace adweave::query
