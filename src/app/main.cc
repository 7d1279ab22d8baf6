// SPDX-License-Identifier: Apache-2.0
#include "app/command.h"
#include "base/allocator.h"

int main(int argc, char** argv) {
  adweave::keep_freed_memory();
  const std::unique_ptr<adweave::FileSystem> fs = adweave::make_posix_file_system();
  return adweave::app::run_program(argc, argv, *fs);
}
