// SPDX-License-Identifier: Apache-2.0
// Files of tests/data, unpacked where they end in .gz.
#pragma once

#include <string>
#include <vector>

namespace adweave::tests {

// `name` relative to tests/data; the test's working directory is the project.
std::string test_data(const std::string& name);

// Names of the files in a folder of tests/data, sorted.
std::vector<std::string> test_data_names(const std::string& folder);

}  // namespace adweave::tests
