// SPDX-License-Identifier: Apache-2.0
#include "base/allocator.h"

#include <malloc.h>

#include "base/limits.h"

namespace adweave {

void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, static_cast<int>(limits::kAllocatorMapBytes));
  mallopt(M_TRIM_THRESHOLD, static_cast<int>(limits::kAllocatorKeptBytes));
  mallopt(M_TOP_PAD, static_cast<int>(limits::kAllocatorStepBytes));
}

}  // namespace adweave
