// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace adweave {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "adweave: internal error: %s does not hold (%s:%d); please report this\n",
               condition, file, line);
  std::abort();
}

}  // namespace adweave
