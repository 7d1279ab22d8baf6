// SPDX-License-Identifier: Apache-2.0
// The part of the configuration that describes a source's bytes and fields. Inside app/config/
// only.
#pragma once

#include "app/config/yaml_reader.h"

namespace adweave::app {

// Reads one entry of `sources`.
engine::SourceJob read_source(const YAML::Node& node, Problems& problems);

}  // namespace adweave::app
