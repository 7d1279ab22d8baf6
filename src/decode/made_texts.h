// SPDX-License-Identifier: Apache-2.0
// Inside decode/ only.
#pragma once

#include <deque>
#include <string>
#include <string_view>

namespace adweave::decode {

// Texts that had to be made for one record. Their memory serves the next record.
class MadeTexts {
 public:
  std::string& add() {
    if (used_ == texts_.size()) texts_.emplace_back();
    std::string& text = texts_[used_++];
    text.clear();
    return text;
  }
  std::string_view add(std::string_view text) { return add().append(text); }
  void clear() { used_ = 0; }

 private:
  std::deque<std::string> texts_;
  size_t used_ = 0;
};

}  // namespace adweave::decode
