// SPDX-License-Identifier: Apache-2.0
// Schemas by the ids that messages carry, as somebody outside decode/ knows them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace adweave::decode {

// Thread-safe, and without I/O. An id that is known means the same schema for good; one that is not
// may be known later.
class SchemaBook {
 public:
  virtual ~SchemaBook() = default;
  // The schema's JSON.
  virtual std::optional<std::string> find(int64_t id) const = 0;
};

}  // namespace adweave::decode
