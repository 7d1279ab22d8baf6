# Every outside library, found once. ./dev setup has put the pinned ones into ADWEAVE_DEPS.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(date REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)
find_package(BZip2 REQUIRED)
find_package(LibLZMA REQUIRED)
find_package(Boost 1.81 REQUIRED)  # headers only
find_package(OpenSSL REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)

find_library(XXHASH_LIBRARY xxhash REQUIRED)
find_library(ZSTD_LIBRARY zstd REQUIRED)
find_library(SNAPPY_LIBRARY snappy REQUIRED)
find_library(RDKAFKA_LIBRARY rdkafka REQUIRED)
find_path(RDKAFKA_INCLUDE librdkafka/rdkafka.h REQUIRED)

# Arrow and Parquet come out of the PyPI wheel, which carries no CMake package files.
find_path(ARROW_INCLUDE arrow/api.h PATHS ${ADWEAVE_DEPS}/arrow/include NO_DEFAULT_PATH REQUIRED)
add_library(Arrow::arrow SHARED IMPORTED)
set_target_properties(Arrow::arrow PROPERTIES
  IMPORTED_LOCATION ${ADWEAVE_DEPS}/arrow/lib/libarrow.so.2600
  INTERFACE_INCLUDE_DIRECTORIES ${ARROW_INCLUDE})
add_library(Arrow::parquet SHARED IMPORTED)
set_target_properties(Arrow::parquet PROPERTIES
  IMPORTED_LOCATION ${ADWEAVE_DEPS}/arrow/lib/libparquet.so.2600
  INTERFACE_LINK_LIBRARIES Arrow::arrow)

# DuckDB: library out of the npm package, header of the same version in third_party/.
add_library(DuckDB::duckdb SHARED IMPORTED)
set_target_properties(DuckDB::duckdb PROPERTIES
  IMPORTED_LOCATION ${ADWEAVE_DEPS}/duckdb/lib/libduckdb.so
  IMPORTED_NO_SONAME TRUE
  INTERFACE_INCLUDE_DIRECTORIES ${CMAKE_SOURCE_DIR}/third_party/duckdb)

add_library(simdjson STATIC ${ADWEAVE_DEPS}/simdjson/simdjson.cpp)
target_include_directories(simdjson SYSTEM PUBLIC ${ADWEAVE_DEPS}/simdjson)
target_compile_options(simdjson PRIVATE -w -O2)
add_library(simdjson::simdjson ALIAS simdjson)
