// SPDX-License-Identifier: Apache-2.0
// What `top -H` and a debugger call a thread. docs/service.md lists the names.
#pragma once

#include <pthread.h>

namespace adweave {

// Names the calling thread: 15 bytes at most, or it keeps the name it has.
inline void name_thread(const char* name) {
  static_cast<void>(pthread_setname_np(pthread_self(), name));
}

}  // namespace adweave
