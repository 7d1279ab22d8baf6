// SPDX-License-Identifier: Apache-2.0
#include "event/columns.h"

namespace adweave::event {

int32_t Dictionary::code_of(std::string_view value) {
  const uint64_t hash = hash64(value);
  const auto [begin, end] = codes_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    if (values_[it->second] == value) return it->second;
  }
  const int32_t code = size();
  values_.put(code, value);
  codes_.emplace(hash, code);
  return code;
}

}  // namespace adweave::event
