// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>

#include "app/command.h"
#include "base/limits.h"

int main(int argc, char** argv) {
  // Slices are megabytes. The allocator keeps their memory for the next one, rather than giving it
  // back and having every page of it faulted in anew.
  mallopt(M_MMAP_THRESHOLD, static_cast<int>(adweave::limits::kAllocatorMapBytes));
  mallopt(M_TRIM_THRESHOLD, static_cast<int>(adweave::limits::kAllocatorKeptBytes));
  mallopt(M_TOP_PAD, static_cast<int>(adweave::limits::kAllocatorStepBytes));
  const std::unique_ptr<adweave::FileSystem> fs = adweave::make_posix_file_system();
  return adweave::app::run_program(argc, argv, *fs);
}
