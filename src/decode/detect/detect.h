// SPDX-License-Identifier: Apache-2.0
// What a file seems to be, by its first bytes. For `adweave inspect`: a run goes by its
// configuration and guesses nothing but compression and byte order marks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "decode/spec.h"

namespace adweave::decode {

// Content that is looked at, in bytes.
inline constexpr size_t kDetectBytes = 1 << 20;

struct Detected {
  DecoderSpec spec;        // all but source and mapping; nothing in it is left to `detect`
  double confidence = 0;   // 0 to 1, of the format and its dialect
  std::string line_ends;   // lf, crlf, cr or mixed; empty where there are none
  std::string avro_codec;  // of a container's blocks
  // Of an Avro message: what names its schema, an id or the fingerprint as Avro's specification
  // writes it.
  std::string schema_id;
};

// `start`: the first bytes of the file as they lie on disk; `whole`: there are no others. The
// file's name decides only where the bytes may be either of two formats. Fails with io when they
// are of no format that can be read.
Result<Detected> detect(std::string_view start, bool whole, std::string_view name);

// For each part of `detect`; text is UTF-8 without a byte order mark.
Encoding guess_encoding(std::string_view bytes);
// Null: the text is no JSON.
struct JsonGuess {
  JsonFraming framing = JsonFraming::lines;
  double confidence = 0;
};
std::optional<JsonGuess> guess_json(std::string_view text, bool whole, bool named_json);
struct CsvGuess {
  CsvDialect dialect;  // `columns` are named when there is no header
  double confidence = 0;
};
CsvGuess guess_csv(std::string_view text, bool whole);

}  // namespace adweave::decode
