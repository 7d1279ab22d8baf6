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
#include "event/content.h"
#include "event/cutter.h"
#include "event/slice.h"

namespace adweave::decode {

// Immutable; all may be called from several threads at once.
class Decoder {
 public:
  virtual ~Decoder() = default;

  // A slice that carries a problem is one reject.
  event::DecodedSlice decode(event::Slice slice) const;

  // For one file: what finds its records, and what undoes its compression and encoding, given its
  // first bytes; null when its bytes are its content.
  virtual std::unique_ptr<event::RecordCutter> cutter() const = 0;
  std::unique_ptr<event::ByteTransform> content(std::string_view start) const;
  // Whether a file of these bytes is nothing but records of one line each: then files put together,
  // with a line end between them, give the records of each.
  bool is_lines(std::string_view bytes) const;
  // Whether they are one record, behind which the next may stand without anything between them.
  bool is_message(std::string_view bytes) const;

 protected:
  explicit Decoder(DecoderSpec spec) : spec_(std::move(spec)) {}
  const DecoderSpec& spec() const { return spec_; }

 private:
  virtual event::DecodedSlice decode_records(event::Slice slice) const = 0;
  virtual bool reads_lines(std::string_view) const { return false; }
  virtual bool is_one_message(std::string_view) const { return false; }

  DecoderSpec spec_;
};

// The spec with a mapping that keeps each record whole, as JSON text in the field `extra` of an
// impression.
DecoderSpec whole_records(DecoderSpec spec);

// Fails with config: what in the spec is wrong.
Result<std::unique_ptr<Decoder>> make_decoder(const DecoderSpec& spec);

}  // namespace adweave::decode
