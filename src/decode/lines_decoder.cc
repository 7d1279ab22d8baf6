// SPDX-License-Identifier: Apache-2.0
#include <simdjson.h>

#include "decode/column_reader.h"
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
    ColumnReader columns(mapping_, pattern_.fields());
    std::vector<std::string_view> values;
    for_each_line(*bytes, spec().event_bytes_max, writer, out,
                  [&](std::string_view line, const event::RecordSpan& span) {
                    read(line, span, values, columns, writer);
                  });
    return out;
  }

  std::unique_ptr<event::RecordCutter> cutter() const override { return make_line_cutter(); }

 private:
  bool reads_lines(std::string_view) const override { return true; }

  void read(std::string_view line, const event::RecordSpan& span,
            std::vector<std::string_view>& values, ColumnReader& columns, RowWriter& writer) const {
    if (!simdjson::validate_utf8(line.data(), line.size())) {
      return writer.reject(event::Reason::bad_encoding, "pattern", "the line is not UTF-8", span);
    }
    const LinePattern::Match match = pattern_.match(line, values);
    if (!match.fits) {
      return writer.reject(event::Reason::malformed, "pattern",
                           "the line stops fitting the pattern at {" + match.stopped_at + "}",
                           span);
    }
    columns.read(values, span, writer);
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
