// SPDX-License-Identifier: Apache-2.0
#include "app/config/secret.h"

#include <cstdlib>

namespace adweave::app {

void read_secret_place(MapReader& map, const std::string& what, const std::string& fix,
                       std::string& file, std::string& variable) {
  file = map.text("file").value_or("");
  variable = map.text("variable").value_or("");
  if (map.valid() && file.empty() == variable.empty()) {
    map.problems().add(map.node(), what + " is in a file or in a variable of the environment", fix);
  }
  map.finish();
}

Result<std::string> read_secret(const FileSystem& fs, const std::string& file,
                                const std::string& variable, int64_t bytes_max) {
  std::string secret;
  if (!file.empty()) {
    ADWEAVE_ASSIGN(secret, read_file(fs, file, bytes_max));
  } else if (const char* value = std::getenv(variable.c_str())) {
    secret = value;
  }
  while (secret.ends_with('\n') || secret.ends_with('\r')) secret.pop_back();
  return secret;
}

}  // namespace adweave::app
