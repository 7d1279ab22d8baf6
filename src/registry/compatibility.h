// SPDX-License-Identifier: Apache-2.0
// Whether data written with one Avro schema can be read with another, and why not: the rules of
// "Schema Resolution" in the specification (https://avro.apache.org/docs/1.12.0/specification/).
//
//   for (const Misfit& misfit : misfits(new_schema, old_schema)) ...  // old data, read as new
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/schema.h"

namespace adweave::registry {

// Which schemas a new one must get on with. Backward: it reads what the older ones wrote. Forward:
// they read what it writes. Full: both. Of the older ones the latest, or with `transitive` all.
enum class Level {
  none,
  backward,
  backward_transitive,
  forward,
  forward_transitive,
  full,
  full_transitive,
};

// "BACKWARD_TRANSITIVE", in any case; none: there is no such level.
std::optional<Level> level_named(std::string_view name);
std::string name_of(Level level);
bool is_transitive(Level level);

// What does not fit between a reader's and a writer's schema.
struct Misfit {
  std::string kind;  // as Avro's SchemaIncompatibilityType has it: "TYPE_MISMATCH"
  std::string path;  // in the reader's schema: "/fields/1/type"
  std::string what;
};

// Empty: all that `writer` can write can be read by `reader`. At most limits::kRegistryReasonsMax.
std::vector<Misfit> misfits(const Schema& reader, const Schema& writer);

// Why `candidate` and `older` do not get on at this level, in sentences that call the older one
// `older_name`: "version 3". Empty: they do.
std::vector<std::string> reasons_against(Level level, const Schema& candidate, const Schema& older,
                                         const std::string& older_name);

}  // namespace adweave::registry
