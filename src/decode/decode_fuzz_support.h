// SPDX-License-Identifier: Apache-2.0
// What the fuzzers of this room share: a file decoded as a run decodes it, and its rows as texts.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "decode/decode_test_support.h"
#include "decode/decoder.h"

namespace adweave::decode {

// The last bytes of an input choose options, so that files can be inputs as they are.
class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : bytes_(reinterpret_cast<const char*>(data), size) {}

  // A number below `choices`.
  size_t choose(size_t choices) {
    if (bytes_.empty()) return 0;
    const auto last = static_cast<uint8_t>(bytes_.back());
    bytes_.remove_suffix(1);
    return last % choices;
  }
  std::string_view rest() const { return bytes_; }

 private:
  std::string_view bytes_;
};

// A mapping that reads some fields, or keeps the whole record.
inline MappingSpec fuzz_mapping(size_t choice) {
  using event::Field;
  RowRule row;
  row.kind = event::Kind::bid_request;
  MappingSpec mapping;
  if (choice == 0) {
    row.fields = {field(Field::extra, {std::string(kWholeRecord)})};
    mapping.unread = Unread::drop;
  } else {
    row.fields = {field(Field::auction_id, {"id", "a"}),
                  field(Field::event_time, {"timestamp", "b"}),
                  field(Field::floor, {choice == 2 ? "imp.bidfloor" : "site.page"}),
                  field(Field::user_id, {"user.id", "c"}), field(Field::tmax_ms, {"cur[0]", "d"})};
    for (FieldRule& rule : row.fields) rule.on_error = OnError::null;
    row.fields[1].times = {{TimeForm::Kind::iso, ""},
                           {TimeForm::Kind::epoch_ms, ""},
                           {TimeForm::Kind::pattern, "%d/%b/%Y:%H:%M:%S %z"}};
    if (choice == 2) mapping.explode = "imp";
  }
  mapping.rows = {std::move(row)};
  return mapping;
}

inline constexpr size_t kFuzzMappings = 3;

inline void append_rows(const event::DecodedSlice& decoded, std::vector<std::string>& out) {
  const event::Batch& batch = decoded.batch(event::Kind::bid_request);
  for (int64_t i = 0; i < batch.rows; ++i) {
    const event::RecordSpan& span = batch.spans[static_cast<size_t>(i)];
    out.push_back(event::position_text(decoded.slice, span) + " " + std::to_string(span.length) +
                  " " + std::string(batch.extra.value_or(i, "-")));
  }
  for (const event::Reject& reject : decoded.rejects) {
    out.push_back(event::position_text(decoded.slice, reject.span) + " rejected " +
                  std::string(event::reason_name(reject.reason)));
  }
}

// Rows and rejects of a file, read in slices that end after each `slice_bytes`, in the order of
// their positions. Empty when its head cannot be read.
inline std::vector<std::string> fuzz_rows(const Decoder& decoder, std::string_view text,
                                          int64_t slice_bytes) {
  const std::unique_ptr<event::RecordCutter> cutter = decoder.cutter();
  const Result<std::optional<int64_t>> head = cutter->head(text, true);
  if (!head) return {};
  CHECK(head->has_value());
  std::vector<std::string> rows;
  int64_t begin = **head;
  CHECK(begin >= 0 && begin <= static_cast<int64_t>(text.size()));
  while (begin < static_cast<int64_t>(text.size())) {
    const std::string_view rest = text.substr(static_cast<size_t>(begin));
    const std::optional<int64_t> cut = cutter->cut(rest, slice_bytes, true);
    CHECK(cut && *cut >= 0 && *cut <= static_cast<int64_t>(rest.size()));
    event::Slice slice;
    slice.source = "fuzz";
    slice.file = "file";
    slice.begin = begin;
    const int64_t length = *cut == 0 ? static_cast<int64_t>(rest.size()) : *cut;
    if (*cut == 0) slice.problem = cutter->problem();
    slice.end = begin + length;
    slice.received_time = kReceived;
    slice.head = std::make_shared<const std::string>(text.substr(0, static_cast<size_t>(**head)));
    slice.bytes = std::make_shared<const std::string>(rest.substr(0, static_cast<size_t>(length)));
    append_rows(decoder.decode(std::move(slice)), rows);
    begin += length;
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

// Decodes the text whole and in small slices: both must give the same rows.
inline void fuzz_decoder(const DecoderSpec& spec, std::string_view text) {
  const Result<std::unique_ptr<Decoder>> decoder = make_decoder(spec);
  if (!decoder) return;
  const std::vector<std::string> whole = fuzz_rows(**decoder, text, INT64_MAX);
  const std::vector<std::string> sliced = fuzz_rows(**decoder, text, 32);
  CHECK(whole == sliced);
}

}  // namespace adweave::decode
