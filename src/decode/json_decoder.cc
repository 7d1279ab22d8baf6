// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "decode/decoders.h"
#include "decode/json_check.h"
#include "decode/json_cutter.h"
#include "decode/json_reader.h"
#include "decode/lines.h"

namespace adweave::decode {

namespace {

class JsonDecoder : public Decoder {
 public:
  JsonDecoder(const DecoderSpec& spec, Mapping mapping)
      : Decoder(spec), mapping_(std::move(mapping)) {}

  event::DecodedSlice decode_records(event::Slice slice) const override {
    const std::shared_ptr<const std::string> bytes = slice.bytes;
    const std::string_view text = *bytes;
    event::DecodedSlice out(std::move(slice));
    RowWriter writer(mapping_, out);
    JsonReader reader(mapping_, spec().nesting_max, writer);
    std::string last;  // the record at the end of the slice, with what must follow it
    const auto read = [&](std::string_view record, event::RecordSpan span) {
      if (text.end() - record.end() < static_cast<ptrdiff_t>(kJsonPadding)) {
        last.assign(record).append(kJsonPadding, '\0');
        record = std::string_view(last).substr(0, record.size());
      }
      reader.read(record, span);
    };
    switch (spec().framing) {
      case JsonFraming::lines:
        for_each_line(text, spec().event_bytes_max, writer, out, read);
        break;
      case JsonFraming::document:
        ++out.records_read;
        read_within_limit(text, {0, static_cast<int32_t>(text.size()), -1}, spec().event_bytes_max,
                          writer, read);
        break;
      case JsonFraming::array:
      case JsonFraming::concatenated:
        for_each_value(text, writer, out, read);
        break;
    }
    return out;
  }

  std::unique_ptr<event::RecordCutter> cutter() const override { return make_json_cutter(spec()); }

 private:
  bool reads_lines(std::string_view) const override { return spec().framing == JsonFraming::lines; }

  // The cutter has checked what stands between the values.
  template <class F>
  void for_each_value(std::string_view text, RowWriter& writer, event::DecodedSlice& out,
                      F&& read) const {
    for (size_t at = 0;;) {
      at = text.find_first_not_of(" \t\r\n,]", at);
      if (at == std::string_view::npos) return;
      const size_t end = std::min(find_json_end(text, at), text.size());
      const event::RecordSpan span{static_cast<int64_t>(at), static_cast<int32_t>(end - at), -1};
      ++out.records_read;
      read_within_limit(text.substr(at, end - at), span, spec().event_bytes_max, writer, read);
      at = end;
    }
  }

  Mapping mapping_;
};

}  // namespace

std::unique_ptr<Decoder> make_json_decoder(const DecoderSpec& spec, Mapping mapping) {
  return std::make_unique<JsonDecoder>(spec, std::move(mapping));
}

}  // namespace adweave::decode
