// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_data.h"

#include <algorithm>
#include <filesystem>

#include <zlib.h>

#include "base/check.h"

namespace adweave::tests {

std::string test_data(const std::string& name) {
  const gzFile file = gzopen(("tests/data/" + name).c_str(), "rb");  // reads plain files too
  CHECK(file != nullptr);
  std::string bytes;
  char buffer[65536];
  for (int size = 0; (size = gzread(file, buffer, sizeof buffer)) > 0;)
    bytes.append(buffer, static_cast<size_t>(size));
  CHECK(gzclose(file) == Z_OK);
  return bytes;
}

std::vector<std::string> test_data_names(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator("tests/data/" + folder))
    if (entry.is_regular_file()) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace adweave::tests
