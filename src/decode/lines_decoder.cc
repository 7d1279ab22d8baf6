// SPDX-License-Identifier: Apache-2.0
#include <simdjson.h>

#include "decode/decoders.h"
#include "decode/line_pattern.h"
#include "decode/lines.h"

namespace adweave::decode {

namespace {

class LinesDecoder : public Decoder {
 public:
  LinesDecoder(const DecoderSpec& spec, Mapping mapping, LinePattern pattern)
      : Decoder(spec), mapping_(std::move(mapping)), pattern_(std::move(pattern)) {}

  event::DecodedSlice decode_records(event::Slice slice) const override {
    const std::shared_ptr<const std::string> bytes = slice.bytes;
    event::DecodedSlice out(std::move(slice));
    RowWriter writer(mapping_, out);
    std::vector<std::string_view> values;
    for_each_line(*bytes, spec().event_bytes_max, writer, out,
                  [&](std::string_view line, const event::RecordSpan& span) {
                    read(line, span, values, writer);
                  });
    return out;
  }

  std::unique_ptr<event::RecordCutter> cutter() const override { return make_line_cutter(); }

 private:
  void read(std::string_view line, const event::RecordSpan& span,
            std::vector<std::string_view>& values, RowWriter& writer) const {
    if (!simdjson::validate_utf8(line.data(), line.size())) {
      return writer.reject(event::Reason::bad_encoding, "pattern", "the line is not UTF-8", span);
    }
    const LinePattern::Match match = pattern_.match(line, values);
    if (!match.fits) {
      return writer.reject(event::Reason::malformed, "pattern",
                           "the line stops fitting the pattern at {" + match.stopped_at + "}",
                           span);
    }
    std::vector<Value> slots(static_cast<size_t>(mapping_.slots()));
    ExtraObject extra;
    for (size_t i = 0; i < values.size(); ++i) {
      const std::string& name = pattern_.fields()[i];
      if (name == "_") continue;
      const int slot = mapping_.slot_of(name);
      if (slot >= 0) {
        slots[static_cast<size_t>(slot)] = Value::of_text(values[i]);
      } else if (!values[i].empty()) {
        extra.add(name, Value::of_text(values[i]));
      }
    }
    writer.write(slots, extra, span);
  }

  Mapping mapping_;
  LinePattern pattern_;
};

}  // namespace

Result<std::unique_ptr<Decoder>> make_lines_decoder(const DecoderSpec& spec, Mapping mapping) {
  ADWEAVE_ASSIGN(LinePattern pattern, LinePattern::compile(spec.pattern));
  return std::unique_ptr<Decoder>(
      std::make_unique<LinesDecoder>(spec, std::move(mapping), std::move(pattern)));
}

}  // namespace adweave::decode
