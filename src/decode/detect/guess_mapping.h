// SPDX-License-Identifier: Apache-2.0
// Which events a file holds and which of its values are which fields: by names, values and the
// file's own name. A proposal for a person to check; make_decoder() takes it as it is.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "decode/spec.h"

namespace adweave::decode {

struct MappingGuess {
  MappingSpec mapping;
  event::Kind kind = event::Kind::impression;  // of most rows
  double confidence = 0;                       // 0 to 1, that the kind is right
  std::vector<std::string> assumed;            // what had to be assumed, in sentences
};

// `records`: whole records of the file; `nested`: their members may be objects.
MappingGuess guess_mapping(std::span<const JsonValue> records, bool nested,
                           std::string_view file_name);

// Paths of the leaves of the records with their values, in the order of their first appearance.
struct Leaf {
  std::string path;
  std::vector<const JsonValue*> values;  // one a record; null where it is absent
};
std::vector<Leaf> leaves_of(std::span<const JsonValue> records, bool nested);

}  // namespace adweave::decode
