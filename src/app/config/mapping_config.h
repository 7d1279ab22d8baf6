// SPDX-License-Identifier: Apache-2.0
// The part of the configuration that describes a source's bytes and fields. Inside app/config/
// only.
#pragma once

#include "app/config/yaml_reader.h"

namespace adweave::app {

// Reads a file that the configuration names, relative to it.
using ReadFile = std::function<Result<std::string>(const std::string& name)>;

// Reads one entry of `sources`.
engine::SourceJob read_source(const YAML::Node& node, const ReadFile& read, Problems& problems);

}  // namespace adweave::app
