// SPDX-License-Identifier: Apache-2.0
// What a source says of the registry that has the schemas of its messages.
#pragma once

#include "app/config/yaml_reader.h"
#include "base/file_system.h"
#include "engine/job.h"

namespace adweave::app {

void read_registry(MapReader& source, engine::SourceJob& job);

// Opens the other registries that sources name, with the schemas that the data folder has of them.
// Reads secrets from their files and variables. Fails with config (a secret that is not there, an
// address that is none) and as registry::RemoteSchemas::open() does.
Status open_registries(FileSystem& fs, engine::Job& job);

}  // namespace adweave::app
