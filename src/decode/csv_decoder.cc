// SPDX-License-Identifier: Apache-2.0
#include <simdjson.h>

#include "decode/column_reader.h"
#include "decode/csv_records.h"
#include "decode/decoders.h"

namespace adweave::decode {

namespace {

class CsvCutter : public event::RecordCutter {
 public:
  explicit CsvCutter(const DecoderSpec& spec)
      : spec_(spec), scanner_(spec.csv, spec.event_bytes_max) {}

  Result<std::optional<int64_t>> head(std::string_view start, bool at_end) override {
    const auto begin = static_cast<size_t>(byte_order_mark(start));
    const CsvRecord* record = scanner_.header(start, begin, at_end);
    if (record != nullptr && record->problem) {
      return Error{ErrorCode::io, "the header row: " + *record->problem,
                   "check delimiter, quote and escape"};
    }
    if (record != nullptr) return std::optional<int64_t>(static_cast<int64_t>(record->end));
    if (start.size() > static_cast<size_t>(spec_.event_bytes_max)) {
      return Error{
          ErrorCode::io,
          "the header row does not end within " + std::to_string(spec_.event_bytes_max) + " bytes",
          "check that the file is CSV"};
    }
    return std::optional<int64_t>();
  }

  std::optional<int64_t> cut(std::string_view bytes, int64_t target, bool at_end) override {
    const std::optional<size_t> end =
        find_csv_cut(spec_.csv, spec_.event_bytes_max, bytes, static_cast<size_t>(target), at_end);
    if (!end) return std::nullopt;
    return static_cast<int64_t>(*end);
  }

 private:
  DecoderSpec spec_;
  CsvScanner scanner_;
};

class CsvDecoder : public Decoder {
 public:
  CsvDecoder(const DecoderSpec& spec, Mapping mapping)
      : Decoder(spec), mapping_(std::move(mapping)) {}

  event::DecodedSlice decode_records(event::Slice slice) const override {
    ColumnReader columns(mapping_, columns_of(slice));
    const std::shared_ptr<const std::string> held = slice.bytes;
    const std::string_view bytes = *held;
    event::DecodedSlice out(std::move(slice));
    RowWriter writer(mapping_, out);
    CsvRecords records(spec().csv, spec().event_bytes_max, bytes);
    const bool all_utf8 = simdjson::validate_utf8(bytes.data(), bytes.size());
    for (size_t begin = 0; begin < bytes.size();) {
      CsvRecord* record = records.next(begin);
      const event::RecordSpan span{static_cast<int64_t>(begin),
                                   static_cast<int32_t>(record->length), -1};
      begin = record->end;
      if (record->length == 0 || record->comment) continue;
      ++out.records_read;
      const std::string_view text = bytes.substr(static_cast<size_t>(span.offset), record->length);
      const bool utf8 = all_utf8 || simdjson::validate_utf8(text.data(), text.size());
      write_record(*record, columns, utf8, span, writer);
    }
    return out;
  }

  std::unique_ptr<event::RecordCutter> cutter() const override {
    return std::make_unique<CsvCutter>(spec());
  }

 private:
  // A quoted value may hold a line end, and one whose quote is never closed what comes after it.
  bool reads_lines(std::string_view bytes) const override {
    const CsvDialect& csv = spec().csv;
    const bool has_quotes = csv.quote && bytes.find(*csv.quote) != std::string_view::npos;
    return !csv.header && csv.skip == 0 && !has_quotes;
  }

  std::vector<std::string> columns_of(const event::Slice& slice) const {
    if (!spec().csv.header || !slice.head) return spec().csv.columns;
    std::string_view head = *slice.head;
    head.remove_prefix(static_cast<size_t>(byte_order_mark(head)));
    CsvScanner scanner(spec().csv, spec().event_bytes_max);
    return column_names(scanner.header(head, 0, true)->fields);
  }

  void write_record(CsvRecord& record, ColumnReader& columns, bool utf8,
                    const event::RecordSpan& span, RowWriter& writer) const {
    using event::Reason;
    if (static_cast<int64_t>(record.length) > spec().event_bytes_max) {
      return writer.reject(Reason::too_large, "event_bytes_max",
                           "the record has " + std::to_string(record.length) +
                               " bytes, the limit is " + std::to_string(spec().event_bytes_max),
                           span);
    }
    if (!utf8) {
      return writer.reject(Reason::bad_encoding, "csv", "the record is not UTF-8", span);
    }
    if (record.problem) return writer.reject(Reason::malformed, "csv", *record.problem, span);
    if (spec().csv.short_rows == ShortRows::fill && record.fields.size() < columns.names().size())
      record.fields.resize(columns.names().size());
    if (record.fields.size() != columns.names().size()) {
      return writer.reject(Reason::malformed, "csv",
                           "the record has " + std::to_string(record.fields.size()) +
                               " fields, the header " + std::to_string(columns.names().size()),
                           span);
    }
    columns.read(record.fields, span, writer);
  }

  Mapping mapping_;
};

}  // namespace

std::unique_ptr<Decoder> make_csv_decoder(const DecoderSpec& spec, Mapping mapping) {
  return std::make_unique<CsvDecoder>(spec, std::move(mapping));
}

}  // namespace adweave::decode
