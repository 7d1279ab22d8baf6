// SPDX-License-Identifier: Apache-2.0
// Always-on assertions: a failed CHECK is a bug in AdWeave, never bad input, and ends the process.
#pragma once

namespace adweave {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace adweave

#define CHECK(condition)                               \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::adweave::check_failed(#condition, __FILE__, __LINE__))
