// SPDX-License-Identifier: Apache-2.0
#include "app/config/source_text.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/json.h"

namespace adweave::app {

namespace {

using decode::FieldRule;
using decode::Format;
using decode::TimeForm;

// Plain where YAML takes it for nothing but a text; else in double quotes, as JSON has them.
std::string scalar(std::string_view text) {
  constexpr std::array<std::string_view, 9> kWords = {"true", "false", "yes", "no", "on",
                                                      "off",  "null",  "y",   "n"};
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  const bool letters = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '/';
  });
  const bool number = !text.empty() &&
                      text.find_first_not_of("0123456789._xabcdefABCDEF") == std::string_view::npos;
  const bool word = std::find(kWords.begin(), kWords.end(), lower) != kWords.end();
  if (letters && !word && !number) return std::string(text);
  std::string quoted;
  append_json_string(quoted, text);
  return quoted;
}

// One text plainly, several as a list.
std::string list(const std::vector<std::string>& texts) {
  if (texts.size() == 1) return scalar(texts[0]);
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + scalar(text);
  return out + "]";
}

std::string character(char c) {
  return c == '\t' ? "tab" : scalar(std::string(1, c));
}

std::string time_word(const TimeForm& form) {
  constexpr std::array<std::string_view, 6> kWords = {"iso",      "",         "epoch_s",
                                                      "epoch_ms", "epoch_us", "epoch_ns"};
  return scalar(form.kind == TimeForm::Kind::pattern ? std::string_view(form.pattern)
                                                     : kWords[static_cast<size_t>(form.kind)]);
}

std::string_view unit_word(MoneyUnit unit) {
  switch (unit) {
    case MoneyUnit::unit:
      return "unit";
    case MoneyUnit::per_thousand:
      return "per_thousand";
    case MoneyUnit::micros:
      return "micros";
    case MoneyUnit::cents:
      return "cents";
    case MoneyUnit::nanos:
      return "nanos";
  }
  return "";
}

// `path`, or {from: path, ...}.
std::string field_text(const FieldRule& rule) {
  std::string out;
  const auto put = [&](std::string_view key, const std::string& value) {
    out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", key, value);
  };
  if (!rule.from.empty()) put("from", list(rule.from));
  if (rule.constant) put("constant", scalar(*rule.constant));
  if (rule.from_receipt) put("receipt", "true");
  if (!rule.times.empty()) put("time", time_word(rule.times[0]));
  if (rule.unit != MoneyUnit::unit) put("unit", std::string(unit_word(rule.unit)));
  if (rule.decimal != '.') put("decimal", character(rule.decimal));
  if (rule.thousands) put("thousands", character(*rule.thousands));
  if (rule.transform == decode::Transform::host) put("transform", "host");
  if (!rule.nulls.empty()) put("nulls", list(rule.nulls));
  if (rule.fallback) put("fallback", scalar(*rule.fallback));
  if (rule.on_error == decode::OnError::null) put("on_error", "null");
  const bool path_alone = rule.from.size() == 1 && out == "from: " + scalar(rule.from[0]);
  return path_alone ? scalar(rule.from[0]) : "{" + out + "}";
}

void put_row(std::string& out, const decode::RowRule& row, std::string_view indent) {
  out += fmt::format("kind: {}\n", event::kind_name(*row.kind));
  if (row.fields.empty()) return;
  out += fmt::format("{}fields:\n", indent);
  for (const FieldRule& rule : row.fields)
    out += fmt::format("{}  {}: {}\n", indent, event::info(rule.field).name, field_text(rule));
}

void put_rows(std::string& out, const decode::MappingSpec& mapping) {
  if (!mapping.explode.empty()) out += fmt::format("    explode: {}\n", scalar(mapping.explode));
  if (mapping.rows.size() == 1 && mapping.rows[0].when.empty()) {
    out += "    ";
    return put_row(out, mapping.rows[0], "    ");
  }
  out += "    rows:\n";
  for (const decode::RowRule& row : mapping.rows) {
    out += "      - ";
    if (!row.when.empty()) {
      out += fmt::format("when: {{{}: {}}}\n        ", scalar(row.when[0].path),
                         list(row.when[0].words));
    }
    put_row(out, row, "        ");
  }
}

void put_csv(std::string& out, const decode::CsvDialect& csv) {
  if (csv.delimiter != ',') out += fmt::format("    delimiter: {}\n", character(csv.delimiter));
  if (!csv.quote) out += "    quote: \"\"\n";
  if (csv.quote && *csv.quote != '"') out += fmt::format("    quote: {}\n", character(*csv.quote));
  if (csv.escape) out += fmt::format("    escape: {}\n", character(*csv.escape));
  if (csv.comment) out += fmt::format("    comment: {}\n", character(*csv.comment));
  if (csv.skip > 0) out += fmt::format("    skip: {}\n", csv.skip);
  if (csv.header) return;
  out += "    header: false\n    columns: [";
  for (size_t i = 0; i < csv.columns.size(); ++i)
    out += (i > 0 ? ", " : "") + scalar(csv.columns[i]);
  out += "]\n";
}

void put_avro(std::string& out, const SourceText& source) {
  const decode::AvroSpec& avro = source.spec.avro;
  if (avro.framing == decode::AvroFraming::container) return;
  out += fmt::format("    framing: {}\n", framing_word(avro.framing));
  if (!avro.envelope.empty()) out += fmt::format("    envelope: {}\n", scalar(avro.envelope));
  if (source.schemas.empty()) return;
  const bool by_id = !source.schemas[0].first.empty();
  out += by_id ? "    schemas: {" : "    schemas: [";
  for (size_t i = 0; i < source.schemas.size(); ++i) {
    const auto& [id, file] = source.schemas[i];
    out += (i > 0 ? ", " : "") + (by_id ? id + ": " : std::string()) + scalar(file);
  }
  out += by_id ? "}\n" : "]\n";
}

}  // namespace

std::string_view format_word(Format format) {
  constexpr std::array<std::string_view, 4> kWords = {"json", "csv", "avro", "lines"};
  return kWords[static_cast<size_t>(format)];
}

std::string_view compression_word(decode::Compression compression) {
  constexpr std::array<std::string_view, 6> kWords = {"detect", "none",  "gzip",
                                                      "zstd",   "bzip2", "xz"};
  return kWords[static_cast<size_t>(compression)];
}

std::string_view encoding_word(decode::Encoding encoding) {
  constexpr std::array<std::string_view, 6> kWords = {"detect",   "utf-8",   "utf-16le",
                                                      "utf-16be", "latin-1", "windows-1252"};
  return kWords[static_cast<size_t>(encoding)];
}

std::string_view framing_word(decode::JsonFraming framing) {
  constexpr std::array<std::string_view, 4> kWords = {"lines", "array", "concatenated", "document"};
  return kWords[static_cast<size_t>(framing)];
}

std::string_view framing_word(decode::AvroFraming framing) {
  constexpr std::array<std::string_view, 3> kWords = {"container", "confluent", "single_object"};
  return kWords[static_cast<size_t>(framing)];
}

std::string source_text(const SourceText& source) {
  const decode::DecoderSpec& spec = source.spec;
  std::string out;
  for (const std::string& remark : source.remarks) out += "# " + remark + "\n";
  out += fmt::format("sources:\n  - name: {}\n    files: {}\n    format: {}\n", scalar(spec.source),
                     scalar(source.file), format_word(spec.format));
  if (spec.format != Format::avro && spec.encoding != decode::Encoding::utf8)
    out += fmt::format("    encoding: {}\n", encoding_word(spec.encoding));
  if (spec.format == Format::json && spec.framing != decode::JsonFraming::lines)
    out += fmt::format("    framing: {}\n", framing_word(spec.framing));
  if (spec.format == Format::csv) put_csv(out, spec.csv);
  if (spec.format == Format::avro) put_avro(out, source);
  if (spec.format == Format::lines) out += fmt::format("    pattern: '{}'\n", spec.pattern);
  put_rows(out, spec.mapping);
  return out;
}

}  // namespace adweave::app
