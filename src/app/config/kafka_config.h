// SPDX-License-Identifier: Apache-2.0
// The parts of the configuration that describe Kafka. Inside app/ only.
#pragma once

#include "app/config/yaml_reader.h"
#include "engine/job.h"

namespace adweave::app {

// Reads `kafka` of a source.
void read_topic(MapReader& source, engine::SourceJob& job);

// Reads `kafka`, the cluster of the sources' topics.
void read_cluster(MapReader& root, engine::Job& job);

}  // namespace adweave::app
