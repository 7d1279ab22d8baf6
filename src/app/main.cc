// SPDX-License-Identifier: Apache-2.0
#include "app/command.h"

int main(int argc, char** argv) {
  const std::unique_ptr<adweave::FileSystem> fs = adweave::make_posix_file_system();
  return adweave::app::run_program(argc, argv, *fs);
}
