// SPDX-License-Identifier: Apache-2.0
// Names of the places where records came from, under small numbers: (source, file, mapping that
// decoded it).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <tuple>

namespace adweave::state {

struct FilePlace {
  std::string source;
  std::string file;
  std::string
      mapping;  // hash of format and mapping: contents made by different ones are not compared
  auto operator<=>(const FilePlace&) const = default;
};

class FileTable {
 public:
  uint32_t code_of(const FilePlace& place) {
    const auto [it, added] = codes_.try_emplace(place, static_cast<uint32_t>(places_.size()));
    if (added) places_.push_back(place);
    return it->second;
  }
  const FilePlace& operator[](uint32_t code) const { return places_[code]; }

 private:
  std::map<FilePlace, uint32_t> codes_;
  std::deque<FilePlace> places_;
};

}  // namespace adweave::state
