// SPDX-License-Identifier: Apache-2.0
// The configuration file: YAML -> engine::Job. Every key is described in docs/reference/config.md
// and shown in config/reference.yaml. All mistakes are reported at once, each with its place and
// what to do.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/job.h"
#include "serve/options.h"

namespace adweave::app {

// One mistake: "config.yaml:12:5: unknown key 'fiels'; did you mean 'files'?"
struct ConfigProblem {
  int line = 0;    // from 1; 0: the file as a whole
  int column = 0;  // from 1
  std::string what;
  std::string fix;
};

struct Config {
  engine::Job job;  // without data, threads, holder and program, which the command line gives
  serve::Options serve;
  std::vector<ConfigProblem> problems;  // when there are any, the rest must not be used
};

// Reads a file. Fails only when it cannot be read at all; what is wrong in it is in `problems`.
Result<Config> load_config(const FileSystem& fs, const std::string& path);

// Units of a length of time, here and on the command line: s, m, h, d, in microseconds.
const std::map<std::string, int64_t>& duration_units();

// "path:line:column: what; fix"
std::string problem_text(const std::string& path, const ConfigProblem& problem);

}  // namespace adweave::app
