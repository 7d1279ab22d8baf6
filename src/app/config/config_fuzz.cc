// SPDX-License-Identifier: Apache-2.0
// Configurations: any text gives a job or problems, and the sources of a job can be compiled.
#include "app/config/config.h"
#include "decode/decoder.h"
#include "tests/support/simulated_disk.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace adweave;
  tests::SimulatedDisk disk;
  disk.put("/c/adweave.yaml", std::string(reinterpret_cast<const char*>(data), size), 0);
  const Result<app::Config> config = app::load_config(disk, "/c/adweave.yaml");
  if (!config || !config->problems.empty()) return 0;
  for (const engine::SourceJob& source : config->job.sources)
    CHECK(decode::make_decoder(source.decoder));
  return 0;
}
