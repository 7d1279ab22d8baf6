// SPDX-License-Identifier: Apache-2.0
// A Parquet file of the lake, as the commit records list it.
#pragma once

#include <cstdint>
#include <string>

namespace adweave::event {

struct DataFile {
  std::string table;   // "impressions"
  std::string path;    // relative to the data folder:
                       // "lake/impressions/_recent/dt=2023-11-01/part-1-2-0.parquet"
  std::string date;    // partition, "2023-11-01"
  int64_t commit = 0;  // that added it
  int64_t rows = 0;
  int64_t bytes = 0;
  std::string checksum;  // 128-bit hash of its bytes, hexadecimal
  int64_t time_min = 0;  // of the table's time column, microseconds UTC
  int64_t time_max = 0;
};

}  // namespace adweave::event
