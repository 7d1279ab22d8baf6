// SPDX-License-Identifier: Apache-2.0
// Files of tests/data, unpacked where they end in .gz.
#pragma once

#include <string>

namespace adweave::tests {

// `name` relative to tests/data; the test's working directory is the project.
std::string test_data(const std::string& name);

}  // namespace adweave::tests
