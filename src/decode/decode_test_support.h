// SPDX-License-Identifier: Apache-2.0
// Short ways to decode text in the tests of this room.
#pragma once

#include <string>

#include "base/time.h"
#include "decode/decoder.h"
#include "decode/mapping.h"

namespace adweave::decode {

// 2023-11-01T12:00:00Z
inline constexpr int64_t kReceived = 1'698'840'000'000'000;

inline FieldRule field(event::Field name, std::vector<std::string> from) {
  FieldRule rule;
  rule.field = name;
  rule.from = std::move(from);
  return rule;
}

inline FieldRule constant(event::Field name, std::string value) {
  FieldRule rule;
  rule.field = name;
  rule.constant = std::move(value);
  return rule;
}

inline RowRule row(event::Kind kind, std::vector<FieldRule> fields,
                   std::vector<Condition> when = {}) {
  RowRule rule;
  rule.kind = kind;
  rule.fields = std::move(fields);
  rule.when = std::move(when);
  return rule;
}

inline DecoderSpec spec_of(Format format, std::vector<RowRule> rows) {
  DecoderSpec spec;
  spec.source = "test";
  spec.format = format;
  spec.mapping.rows = std::move(rows);
  return spec;
}

// Records of a format, each kept whole.
inline DecoderSpec whole_records(Format format) {
  return whole_records(spec_of(format, {}));
}

// Decodes a whole file: head, cuts at every `slice_bytes`, one DecodedSlice a slice.
inline std::vector<event::DecodedSlice> decode_file(const DecoderSpec& spec,
                                                    const std::string& text,
                                                    int64_t slice_bytes = INT64_MAX) {
  const Result<std::unique_ptr<Decoder>> decoder = make_decoder(spec);
  CHECK(decoder);
  const auto cutter = (*decoder)->cutter();
  const Result<std::optional<int64_t>> head = cutter->head(text, true);
  CHECK(head && *head);
  std::vector<event::DecodedSlice> slices;
  int64_t begin = **head;
  do {
    const std::string_view rest = std::string_view(text).substr(static_cast<size_t>(begin));
    int64_t end = *cutter->cut(rest, slice_bytes, true);
    event::Slice slice;
    if (end == 0) {
      slice.problem = cutter->problem();
      end = static_cast<int64_t>(rest.size());
    }
    slice.source = spec.source;
    slice.file = "file";
    slice.begin = begin;
    slice.end = begin + end;
    slice.received_time = kReceived;
    slice.head = std::make_shared<const std::string>(text.substr(0, static_cast<size_t>(**head)));
    slice.bytes = std::make_shared<const std::string>(rest.substr(0, static_cast<size_t>(end)));
    slices.push_back((*decoder)->decode(std::move(slice)));
    begin += end;
  } while (begin < static_cast<int64_t>(text.size()));
  const bool reported = !slices.back().slice.problem.empty();
  cutter->cut({}, 1, true);
  if (!reported && !cutter->problem().empty()) {
    event::Slice rest = slices.back().slice;
    rest.begin = rest.end;
    rest.bytes = std::make_shared<const std::string>();
    rest.problem = cutter->problem();
    slices.push_back((*decoder)->decode(std::move(rest)));
  }
  return slices;
}

inline event::DecodedSlice decode_text(const DecoderSpec& spec, const std::string& text) {
  std::vector<event::DecodedSlice> slices = decode_file(spec, text);
  CHECK(slices.size() == 1);
  return std::move(slices[0]);
}

}  // namespace adweave::decode
