// SPDX-License-Identifier: Apache-2.0
// How a reader turns the bytes of a file into the content that records are cut from: decompression,
// transcoding. decode/ implements it, source/ uses it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace adweave::event {

// For one file, from its first byte on, used by one thread.
class ByteTransform {
 public:
  virtual ~ByteTransform() = default;

  struct Step {
    size_t used = 0;      // bytes of the input that need not be given again
    bool end = false;     // nothing more will come
    std::string problem;  // why nothing more can be made of the bytes; what was made before is good
  };
  // Appends at most `room` bytes made of `in` to `out`. With at_end nothing follows `in`. When a
  // step neither uses nor makes anything it needs more input (never with at_end).
  virtual Step run(std::string_view in, bool at_end, std::string& out, size_t room) = 0;
};

}  // namespace adweave::event
