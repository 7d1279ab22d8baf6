// SPDX-License-Identifier: Apache-2.0
// Names of the places where records came from, under small numbers: (source, file, mapping that
// decoded it).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <tuple>

#include "state/byte_stream.h"

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

  size_t size() const { return places_.size(); }

  // Those from code `first` on.
  void save(ByteWriter& out, size_t first) const {
    out.number(static_cast<uint64_t>(places_.size() - first));
    for (size_t code = first; code < places_.size(); ++code) {
      const FilePlace& place = places_[code];
      for (const std::string* part : {&place.source, &place.file, &place.mapping}) out.text(*part);
    }
  }
  // Behind those that are there.
  void load(ByteReader& in) {
    for (uint64_t left = in.count(3 * sizeof(uint64_t)); left > 0; --left) {
      FilePlace place;
      for (std::string* part : {&place.source, &place.file, &place.mapping}) *part = in.text();
      code_of(place);
    }
  }

 private:
  std::map<FilePlace, uint32_t> codes_;
  std::deque<FilePlace> places_;
};

}  // namespace adweave::state
