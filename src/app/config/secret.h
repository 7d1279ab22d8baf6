// SPDX-License-Identifier: Apache-2.0
// Secrets, which a configuration never holds itself: they are in a file, or in a variable of the
// environment.
#pragma once

#include <string>

#include "app/config/yaml_reader.h"
#include "base/file_system.h"

namespace adweave::app {

// Reads `file` and `variable` of a map, one of which must be there. `what` has the secret, "a
// signing key"; `fix` shows how to write it.
void read_secret_place(MapReader& map, const std::string& what, const std::string& fix,
                       std::string& file, std::string& variable);

// What is in the file, or without a file in the variable, without the line end; empty when the
// variable is not there. Fails as read_file() does.
Result<std::string> read_secret(const FileSystem& fs, const std::string& file,
                                const std::string& variable, int64_t bytes_max);

}  // namespace adweave::app
