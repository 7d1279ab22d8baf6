// SPDX-License-Identifier: Apache-2.0
// Finds distinct texts by themselves. The texts are kept by the owner, each under a small number,
// its code.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/hash.h"
#include "base/hash_index.h"

namespace adweave {

class TextIndex {
 public:
  // The code of a text that was given before. Else `next`, which is its code from now on: the owner
  // keeps the text. `text_of(code)` is the text of a code that was returned before.
  template <class TextOf>
  uint32_t code_of(std::string_view text, uint32_t next, TextOf text_of) {
    return index_.find_or_add(hash64(text), next,
                              [&](uint32_t code) { return text_of(code) == text; });
  }

 private:
  HashIndex index_;
};

}  // namespace adweave
