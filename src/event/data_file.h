// SPDX-License-Identifier: Apache-2.0
// A Parquet file of the lake, as the commit records list it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace adweave::event {

struct DataFile {
  std::string table;         // "impressions"
  std::string path;          // relative to the data folder:
                             // "lake/impressions/_recent/dt=2023-11-01/part-1-2-0.parquet"
  std::string date;          // partition, "2023-11-01"
  int64_t first_commit = 0;  // oldest and newest commit of its rows
  int64_t commit = 0;
  int64_t rows = 0;
  int64_t bytes = 0;
  std::string checksum;  // 128-bit hash of its bytes, hexadecimal
  int64_t time_min = 0;  // of the table's time column, microseconds UTC
  int64_t time_max = 0;

  // Whether it is of a sealed day: it stays as it is as long as the day is kept.
  bool is_sealed() const;
};

// Where other programs find a sealed file, relative to the data folder: the same file under
// another name, "lake/impressions/dt=2023-11-01/part-1-9-0.parquet".
std::string published_path(const DataFile& sealed);

// DataFile::path of a file that a commit adds; `n` counts the files of a table in it.
std::string file_path(const std::string& table, const std::string& date, bool sealed, int64_t epoch,
                      int64_t commit, int64_t n);
// The epoch in a file's name, "part-<epoch>-<commit>-<n>.parquet"; -1 of another.
int64_t epoch_of_file(std::string_view name);

}  // namespace adweave::event
