// SPDX-License-Identifier: Apache-2.0
#include "decode/detect/detect.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/json.h"
#include "decode/avro_container.h"
#include "decode/avro_messages.h"
#include "decode/content.h"
#include "decode/decompress.h"
#include "decode/json_reader.h"
#include "decode/line_pattern.h"
#include "decode/transcode.h"

namespace adweave::decode {

namespace {

constexpr double kCertain = 1;
constexpr double kMessage = 0.8;  // an Avro message has but a few bytes to know it by
constexpr double kOneByte =
    0.3;  // Confluent's frame begins with a zero byte, and so does much else
constexpr double kLinesMatchMin = 0.9;  // of the lines that a pattern must fit
constexpr size_t kLinesLookedAt = 200;

// Well-known access logs (Apache httpd and nginx documentation: common and combined log format).
constexpr std::array<std::string_view, 2> kLinePatterns = {
    "{ip} {ident} {user} [{time}] \"{method} {path} {protocol}\" {status} {bytes} \"{referrer}\" "
    "\"{user_agent}\"",
    "{ip} {ident} {user} [{time}] \"{method} {path} {protocol}\" {status} {bytes}"};

std::vector<std::string_view> first_lines(std::string_view text, bool whole) {
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < kLinesLookedAt) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos && !whole) break;
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) lines.push_back(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

bool is_status(std::string_view text) {
  return text.size() == 3 && text[0] >= '1' && text[0] <= '5' && text[1] >= '0' && text[1] <= '9';
}

// Part of the lines that are of a pattern of access logs.
double fitting(std::string_view pattern, const std::vector<std::string_view>& lines) {
  const Result<LinePattern> compiled = LinePattern::compile(pattern);
  CHECK(compiled);
  const std::vector<std::string>& fields = compiled->fields();
  const auto status =
      static_cast<size_t>(std::find(fields.begin(), fields.end(), "status") - fields.begin());
  size_t fit = 0;
  std::vector<std::string_view> values;
  for (const std::string_view line : lines) {
    if (compiled->match(line, values).fits && is_status(values[status])) ++fit;
  }
  return lines.empty() ? 0 : static_cast<double>(fit) / static_cast<double>(lines.size());
}

bool detect_lines(std::string_view text, bool whole, Detected& out) {
  const std::vector<std::string_view> lines = first_lines(text, whole);
  for (const std::string_view pattern : kLinePatterns) {
    const double share = fitting(pattern, lines);
    if (share < kLinesMatchMin) continue;
    out.spec.format = Format::lines;
    out.spec.pattern = pattern;
    out.confidence = share;
    return true;
  }
  return false;
}

// Reads what an Avro message begins with: the framing and the name of its schema.
bool detect_message(std::string_view bytes, Detected& out) {
  const auto single = read_message_header(AvroFraming::single_object, bytes);
  const auto framed = read_message_header(AvroFraming::confluent, bytes);
  if (single) {
    out.spec.avro.framing = AvroFraming::single_object;
    out.schema_id = fmt::format("{:016x}", single->schema);
  } else if (framed && bytes.size() > framed->size) {
    out.spec.avro.framing = AvroFraming::confluent;
    out.schema_id = std::to_string(framed->schema);
  } else {
    return false;
  }
  out.spec.format = Format::avro;
  out.confidence = kMessage;
  return true;
}

// Top-level members of a JSON object that are texts of printable characters only. A message in
// base64 is one of them in every line.
bool detect_envelope(std::string_view text, bool whole, Detected& out) {
  const std::vector<std::string_view> lines = first_lines(text, whole);
  if (lines.empty()) return false;
  const Result<JsonValue> first = parse_json(lines[0]);
  if (!first || first->as_object() == nullptr) return false;
  for (const auto& [name, value] : *first->as_object()) {
    const std::string* base64 = value.as_string();
    if (base64 == nullptr || base64->size() < 12) continue;
    const bool in_all = std::all_of(lines.begin(), lines.end(), [&](std::string_view line) {
      const std::optional<std::string> member = find_json_text(line, name);
      const std::optional<std::string> bytes = member ? decode_base64(*member) : std::nullopt;
      return bytes &&
             (bytes->starts_with("\xC3\x01") || bytes->starts_with(std::string_view("\0", 1)));
    });
    const std::optional<std::string> bytes = decode_base64(*base64);
    if (!in_all || !bytes || !detect_message(*bytes, out)) continue;
    out.spec.avro.envelope = name;
    return true;
  }
  return false;
}

std::string line_ends_of(std::string_view text) {
  size_t lf = 0;
  size_t cr = 0;
  size_t both = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') ++(i > 0 && text[i - 1] == '\r' ? both : lf);
    if (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n')) ++cr;
  }
  if ((lf > 0) + (cr > 0) + (both > 0) > 1) return "mixed";
  return lf > 0 ? "lf" : both > 0 ? "crlf" : cr > 0 ? "cr" : "";
}

// The first content bytes of a file, without its compression and encoding.
std::string content_of(std::string_view start, bool whole, const DecoderSpec& spec) {
  const std::unique_ptr<event::ByteTransform> transform = make_content(spec, start);
  if (!transform) return std::string(start.substr(0, kDetectBytes));
  std::string content;
  while (content.size() < kDetectBytes) {
    const size_t before = content.size();
    const auto step = transform->run(start, whole, content, kDetectBytes - content.size());
    start.remove_prefix(step.used);
    if (step.end || !step.problem.empty()) break;
    if (step.used == 0 && content.size() == before) break;
  }
  return content;
}

std::string_view codec_name(BlockCodec codec) {
  constexpr std::array<std::string_view, 6> kNames = {"null",      "deflate", "snappy",
                                                      "zstandard", "bzip2",   "xz"};
  return kNames[static_cast<size_t>(codec)];
}

// Formats that are not text.
Result<bool> detect_binary(std::string_view content, Detected& out) {
  if (content.starts_with(std::string_view("Obj\x01", 4))) {
    ADWEAVE_ASSIGN(const std::optional<AvroHeader> header, read_avro_header(content));
    if (!header) return Error{ErrorCode::io, "the Avro header is cut off", "send the whole file"};
    out.spec.format = Format::avro;
    out.avro_codec = codec_name(header->codec);
    out.confidence = kCertain;
    return true;
  }
  return content.starts_with("\xC3\x01") && detect_message(content, out);
}

bool is_json_name(std::string_view name) {
  for (const std::string_view end : {".json", ".ndjson", ".jsonl"}) {
    if (name.ends_with(end) || name.find(std::string(end) + ".") != std::string_view::npos)
      return true;
  }
  return false;
}

void detect_text(std::string_view text, bool whole, std::string_view name, Detected& out) {
  out.line_ends = line_ends_of(text);
  if (const std::optional<JsonGuess> json = guess_json(text, whole, is_json_name(name))) {
    if (json->framing == JsonFraming::lines && detect_envelope(text, whole, out)) return;
    out.spec.format = Format::json;
    out.spec.framing = json->framing;
    out.confidence = json->confidence;
    return;
  }
  if (detect_lines(text, whole, out)) return;
  const CsvGuess csv = guess_csv(text, whole);
  out.spec.format = Format::csv;
  out.spec.csv = csv.dialect;
  out.confidence = csv.confidence;
}

}  // namespace

Result<Detected> detect(std::string_view start, bool whole, std::string_view name) {
  Detected out;
  out.spec.compression = detect_compression(start);
  out.spec.encoding = Encoding::utf8;
  const std::string bytes = content_of(start, whole, out.spec);
  whole = whole && bytes.size() < kDetectBytes;
  ADWEAVE_ASSIGN(const bool binary, detect_binary(bytes, out));
  if (binary) return out;
  out.spec.encoding = guess_encoding(bytes);
  DecoderSpec plain = out.spec;
  plain.compression = Compression::none;
  const std::string content = content_of(bytes, whole, plain);
  std::string_view text = content;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.find('\0') != std::string_view::npos) {
    if (detect_message(bytes, out)) {
      out.confidence = kOneByte;
      return out;
    }
    return Error{ErrorCode::io, "the file is neither text nor an Avro container",
                 "adweave reads JSON, CSV, log lines and Avro, also compressed by gzip, zstd, "
                 "bzip2 or xz"};
  }
  detect_text(text, whole, name, out);
  return out;
}

}  // namespace adweave::decode
