// SPDX-License-Identifier: Apache-2.0
// Bytes -> batches: one decoder a source. Does no I/O, reads no clock, starts no thread; the same
// slice gives the same rows. A record that cannot be read is a reject and loses only itself.
//
// Fills the mapped fields, source, received_time, source_length, flags, extra and spans; process/
// does the rest.
#pragma once

#include <memory>

#include "base/result.h"
#include "decode/spec.h"
#include "event/cutter.h"
#include "event/slice.h"

namespace adweave::decode {

// Immutable; decode() may be called from several threads at once.
class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual event::DecodedSlice decode(event::Slice slice) const = 0;
  // A new cutter for one file.
  virtual std::unique_ptr<event::RecordCutter> cutter() const = 0;
};

// Fails with config: what in the spec is wrong.
Result<std::unique_ptr<Decoder>> make_decoder(const DecoderSpec& spec);

}  // namespace adweave::decode
