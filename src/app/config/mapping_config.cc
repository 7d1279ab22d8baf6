// SPDX-License-Identifier: Apache-2.0
#include "app/config/mapping_config.h"

#include <algorithm>
#include <charconv>

#include "app/config/kafka_config.h"
#include "app/config/registry_config.h"
#include "base/hash.h"
#include "base/json.h"
#include "query/report.h"

namespace adweave::app {

namespace {

using decode::Compression;
using decode::Encoding;
using decode::FieldRule;
using decode::Format;
using decode::JsonFraming;
using decode::Missing;
using decode::OnError;
using decode::RowRule;
using decode::TimeForm;
using decode::Transform;
using decode::Unread;

// What a source says once for all its fields.
struct FieldDefaults {
  std::string zone = "UTC";
  OnError on_error = OnError::reject;
  Missing missing = Missing::null;
  char decimal = '.';
  std::optional<char> thousands;
};

const std::vector<std::pair<std::string, OnError>> kOnError = {{"reject", OnError::reject},
                                                               {"null", OnError::null}};
const std::vector<std::pair<std::string, Missing>> kMissing = {{"reject", Missing::reject},
                                                               {"null", Missing::null}};

TimeForm time_form(const std::string& text) {
  static const std::map<std::string, TimeForm::Kind> kWords = {
      {"iso", TimeForm::Kind::iso},
      {"epoch_s", TimeForm::Kind::epoch_s},
      {"epoch_ms", TimeForm::Kind::epoch_ms},
      {"epoch_us", TimeForm::Kind::epoch_us},
      {"epoch_ns", TimeForm::Kind::epoch_ns}};
  const auto it = kWords.find(text);
  if (it != kWords.end()) return {it->second, ""};
  return {TimeForm::Kind::pattern, text};
}

void read_values(MapReader& map, FieldRule& rule) {
  const auto node = map.take("values");
  if (!node) return;
  if (!node->IsMap())
    return map.problems().add(*node, "values must be a map: value in the feed -> value stored");
  for (const auto& item : *node) {
    rule.values.emplace_back(map.scalar(item.first, "values"), map.scalar(item.second, "values"));
  }
}

// Null in YAML is the plain word null: `on_error: null` needs the node itself.
template <class T>
std::optional<T> read_null_or_reject(MapReader& map, const char* key,
                                     const std::vector<std::pair<std::string, T>>& choices) {
  const YAML::Node node = map.valid() ? map.node()[key] : YAML::Node();
  if (map.valid() && node.IsDefined() && node.IsNull()) {
    map.take(key);
    return T::null;
  }
  return map.choice(key, choices);
}

std::optional<OnError> read_on_error(MapReader& map) {
  return read_null_or_reject(map, "on_error", kOnError);
}

// One character, or the word tab.
std::optional<char> read_character(MapReader& map, const char* key) {
  const auto text = map.text(key);
  if (!text || text->empty()) return std::nullopt;
  if (*text == "\\t" || *text == "tab") return '\t';
  if (text->size() != 1)
    map.problems().add(map.node()[key], std::string(key) + " must be one character");
  return text->front();
}

FieldRule read_field(const std::string& name, event::Field field, const YAML::Node& node,
                     const FieldDefaults& defaults, Problems& problems) {
  FieldRule rule;
  rule.field = field;
  rule.zone = defaults.zone;
  rule.on_error = defaults.on_error;
  rule.missing = defaults.missing;
  rule.decimal = defaults.decimal;
  rule.thousands = defaults.thousands;
  MapReader scalar_reader(YAML::Node(YAML::NodeType::Map), name, problems);
  if (node.IsScalar()) {
    rule.from = {scalar_reader.scalar(node, name)};
    return rule;
  }
  MapReader map(node, "field " + name, problems);
  rule.from = map.texts("from");
  rule.constant = map.text("constant");
  rule.compute = map.text("compute");
  rule.join = map.text("join");
  rule.fallback = map.text("fallback");
  rule.nulls = map.texts("nulls");
  read_values(map, rule);
  rule.other = map.text("other");
  for (const std::string& form : map.texts("time")) rule.times.push_back(time_form(form));
  rule.zone = map.text("zone").value_or(defaults.zone);
  rule.from_receipt = map.truth("receipt").value_or(false);
  rule.unit = map.choice<MoneyUnit>("unit", {{"unit", MoneyUnit::unit},
                                             {"per_thousand", MoneyUnit::per_thousand},
                                             {"micros", MoneyUnit::micros},
                                             {"cents", MoneyUnit::cents},
                                             {"nanos", MoneyUnit::nanos}})
                  .value_or(MoneyUnit::unit);
  rule.transform = map.choice<Transform>("transform", {{"none", Transform::none},
                                                       {"host", Transform::host},
                                                       {"lower", Transform::lower},
                                                       {"upper", Transform::upper}})
                       .value_or(Transform::none);
  rule.on_error = read_on_error(map).value_or(defaults.on_error);
  rule.missing = read_null_or_reject(map, "missing", kMissing).value_or(defaults.missing);
  rule.decimal = read_character(map, "decimal").value_or(defaults.decimal);
  if (const auto thousands = read_character(map, "thousands")) rule.thousands = thousands;
  if (map.valid() && rule.from.empty() && !rule.constant && !rule.compute && !rule.from_receipt) {
    problems.add(node, "field " + name + " has no value",
                 "write from: PATH, constant: VALUE, compute: EXPRESSION or receipt: true");
  }
  map.finish();
  return rule;
}

std::vector<FieldRule> read_fields(MapReader& row, const FieldDefaults& defaults) {
  std::vector<FieldRule> fields;
  const auto node = row.take("fields");
  if (!node) return fields;
  if (!node->IsMap()) {
    row.problems().add(*node, "fields must be a map: field -> path");
    return fields;
  }
  for (const auto& item : *node) {
    const std::string name = item.first.Scalar();
    const auto field = event::parse_field(name);
    if (field) {
      fields.push_back(read_field(name, *field, item.second, defaults, row.problems()));
      continue;
    }
    std::vector<std::string> known;
    for (const event::FieldInfo& info : event::all_fields()) known.emplace_back(info.name);
    const std::string meant = query::closest_name(name, known);
    row.problems().add(
        item.first, "there is no field '" + name + "'",
        meant.empty() ? "docs/reference/fields.md lists them" : "did you mean '" + meant + "'?");
  }
  return fields;
}

std::optional<event::Kind> read_kind(MapReader& row) {
  std::vector<std::pair<std::string, event::Kind>> kinds;
  for (const event::Kind kind : event::kAllKinds) kinds.emplace_back(event::kind_name(kind), kind);
  return row.choice("kind", kinds);
}

std::vector<decode::Condition> read_conditions(MapReader& row) {
  std::vector<decode::Condition> conditions;
  for (const auto& [key, negated] : {std::pair{"when", false}, {"unless", true}}) {
    const auto node = row.take(key);
    if (!node) continue;
    MapReader map(*node, key, row.problems());
    if (!map.valid()) continue;
    for (const auto& item : *node) {
      const std::string path = item.first.Scalar();
      conditions.push_back({path, map.texts(path), negated});
    }
  }
  return conditions;
}

RowRule read_row(const YAML::Node& node, const FieldDefaults& defaults, Problems& problems) {
  MapReader map(node, "row rule", problems);
  RowRule row;
  row.when = read_conditions(map);
  row.kind = read_kind(map);
  row.name = map.text("drop").value_or("");
  row.fields = read_fields(map, defaults);
  if (map.valid() && !row.kind && row.name.empty()) {
    problems.add(node, "the row rule has neither kind nor drop",
                 "write kind: impression, or drop: why");
  }
  map.finish();
  return row;
}

void read_rows(MapReader& source, const FieldDefaults& defaults, decode::MappingSpec& mapping) {
  const auto rows = source.take("rows");
  const auto kind = read_kind(source);
  std::vector<FieldRule> fields = read_fields(source, defaults);
  if (rows && rows->IsSequence()) {
    for (const YAML::Node& row : *rows)
      mapping.rows.push_back(read_row(row, defaults, source.problems()));
  } else if (rows) {
    source.problems().add(*rows, "rows must be a list of row rules");
  }
  if (kind) {
    RowRule row;
    row.kind = kind;
    row.fields = std::move(fields);
    mapping.rows.push_back(std::move(row));
  }
}

void read_csv(MapReader& map, decode::CsvDialect& csv) {
  csv.delimiter = read_character(map, "delimiter").value_or(',');
  if (map.valid() && map.node()["quote"]) csv.quote = read_character(map, "quote");
  csv.escape = read_character(map, "escape");
  csv.comment = read_character(map, "comment");
  csv.skip = static_cast<int>(std::min<int64_t>(map.number("skip").value_or(0), INT32_MAX));
  csv.header = map.truth("header").value_or(true);
  csv.columns = map.texts("columns");
  csv.short_rows =
      map.choice<decode::ShortRows>("short_rows", {{"reject", decode::ShortRows::reject},
                                                   {"fill", decode::ShortRows::fill}})
          .value_or(decode::ShortRows::reject);
  if (!csv.header && csv.columns.empty()) {
    map.problems().add(map.node(), "a CSV without header needs columns",
                       "write columns: [name, ...]");
  }
}

// The text of an Avro schema: of its file, or of a registry's answer in it ({"schema": "..."}).
std::string read_schema(const YAML::Node& node, const std::string& file, const ReadFile& read,
                        Problems& problems) {
  const Result<std::string> text = read(file);
  if (!text) {
    problems.add(node, text.error().message, text.error().fix);
    return {};
  }
  const Result<JsonValue> json = parse_json(*text);
  if (!json) {
    problems.add(node, file + ": " + json.error().message, "the file must be an Avro schema");
    return {};
  }
  const JsonValue* answer = json->find("schema");
  return answer != nullptr && answer->as_string() != nullptr ? *answer->as_string() : *text;
}

// {ID: FILE}, or a list of files whose schemas name themselves by their fingerprints.
void read_schemas(MapReader& map, const ReadFile& read, decode::AvroSpec& avro) {
  const auto node = map.take("schemas");
  if (!node) return;
  if (!node->IsMap() && !node->IsSequence())
    return map.problems().add(*node, "schemas must be a map, id -> file, or a list of files");
  for (size_t i = 0; node->IsSequence() && i < node->size(); ++i) {
    const YAML::Node file = (*node)[i];
    avro.schemas.emplace_back(0,
                              read_schema(file, map.scalar(file, "schemas"), read, map.problems()));
  }
  if (!node->IsMap()) return;
  for (const auto& item : *node) {
    const std::string name = map.scalar(item.first, "schemas");
    int64_t id = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (error != std::errc() || *end != '\0' || id < 0 || id > UINT32_MAX)
      map.problems().add(item.first, "schema id '" + name + "' is no number of 32 bits");
    avro.schemas.emplace_back(
        id, read_schema(item.second, map.scalar(item.second, "schemas"), read, map.problems()));
  }
}

void read_avro(MapReader& map, const ReadFile& read, decode::AvroSpec& avro) {
  using decode::AvroFraming;
  avro.framing = map.choice<AvroFraming>("framing", {{"container", AvroFraming::container},
                                                     {"confluent", AvroFraming::confluent},
                                                     {"single_object", AvroFraming::single_object}})
                     .value_or(AvroFraming::container);
  if (const auto node = map.take("schema"))
    avro.schema = read_schema(*node, map.scalar(*node, "schema"), read, map.problems());
  read_schemas(map, read, avro);
  avro.envelope = map.text("envelope").value_or("");
  avro.undo = {map.texts("json_text"), map.texts("merge"), map.texts("ignore")};
}

// Hash of what decides how bytes become fields; comments and key order of other parts do not
// matter.
std::string mapping_hash(const YAML::Node& node, const decode::AvroSpec& avro) {
  YAML::Node copy = YAML::Clone(node);
  copy.remove("name");
  copy.remove("files");
  copy.remove("deduplicate");
  copy.remove("http");
  copy.remove("kafka");
  copy.remove("tcp");
  copy.remove("stdin");
  copy.remove("tail");
  if (copy["registry"] && !(copy["registry"].IsScalar() && copy["registry"].Scalar() == "self"))
    copy.remove("registry");
  copy.remove("unknown_schema");
  std::string text = YAML::Dump(copy) + avro.schema;
  for (const auto& [id, schema] : avro.schemas) text += schema;
  return to_hex(hash128(text));
}

// Where the source's bytes come from.
void read_inputs(MapReader& map, engine::SourceJob& job) {
  job.files = map.texts("files");
  job.http = map.truth("http").value_or(false);
  read_topic(map, job);
  job.tcp = map.text("tcp").value_or("");
  job.standard_input = map.truth("stdin").value_or(false);
  job.tail = map.texts("tail");
  const bool is_live =
      job.http || job.kafka || !job.tcp.empty() || job.standard_input || !job.tail.empty();
  if (job.files.empty() && !is_live) {
    map.problems().add(map.node(), "source has no files",
                       "write files: [\"impressions/*.ndjson\"], or http: true, kafka: TOPIC, tcp: "
                       "ADDRESS, stdin: true or tail: [FILE]");
  }
}

}  // namespace

engine::SourceJob read_source(const YAML::Node& node, const ReadFile& read, Problems& problems) {
  engine::SourceJob job;
  MapReader map(node, "source", problems);
  if (!map.valid()) return job;
  job.decoder.source = map.required_text("name", "impressions");
  if (job.decoder.source.starts_with(ledger::kReplayPrefix)) {
    problems.add(node, "a source must not be named replay:...",
                 "the audit calls rejects that were decoded again so");
  }
  read_inputs(map, job);
  const auto format = map.choice<Format>("format", {{"json", Format::json},
                                                    {"csv", Format::csv},
                                                    {"avro", Format::avro},
                                                    {"lines", Format::lines}});
  if (!node["format"])
    problems.add(node, "source has no format", "write format: json, csv, avro or lines");
  job.decoder.format = format.value_or(Format::json);
  job.decoder.compression = map.choice<Compression>("compression", {{"detect", Compression::detect},
                                                                    {"none", Compression::none},
                                                                    {"gzip", Compression::gzip},
                                                                    {"zstd", Compression::zstd},
                                                                    {"bzip2", Compression::bzip2},
                                                                    {"xz", Compression::xz}})
                                .value_or(Compression::detect);
  if (job.decoder.format != Format::avro) {
    job.decoder.encoding =
        map.choice<Encoding>("encoding", {{"detect", Encoding::detect},
                                          {"utf-8", Encoding::utf8},
                                          {"utf-16le", Encoding::utf16le},
                                          {"utf-16be", Encoding::utf16be},
                                          {"latin-1", Encoding::latin1},
                                          {"windows-1252", Encoding::windows1252}})
            .value_or(Encoding::detect);
  }
  FieldDefaults defaults;
  defaults.zone = map.text("zone").value_or("UTC");
  defaults.on_error = read_on_error(map).value_or(OnError::reject);
  defaults.missing = read_null_or_reject(map, "missing", kMissing).value_or(Missing::null);
  defaults.decimal = read_character(map, "decimal").value_or('.');
  defaults.thousands = read_character(map, "thousands");
  if (job.decoder.format == Format::json) {
    job.decoder.framing =
        map.choice<JsonFraming>("framing", {{"lines", JsonFraming::lines},
                                            {"array", JsonFraming::array},
                                            {"concatenated", JsonFraming::concatenated},
                                            {"document", JsonFraming::document}})
            .value_or(JsonFraming::lines);
  }
  if (job.decoder.format == Format::avro) {
    read_avro(map, read, job.decoder.avro);
    read_registry(map, job);
  }
  if (job.decoder.format == Format::csv) read_csv(map, job.decoder.csv);
  if (job.decoder.format == Format::lines)
    job.decoder.pattern = map.required_text("pattern", "'{ip} {_} \"{request}\"'");
  job.decoder.mapping.explode = map.text("explode").value_or("");
  job.decoder.mapping.unread = map.choice<Unread>("unread", {{"extra", Unread::extra},
                                                             {"drop", Unread::drop},
                                                             {"reject", Unread::reject}})
                                   .value_or(Unread::extra);
  job.deduplicate = map.truth("deduplicate").value_or(true);
  read_rows(map, defaults, job.decoder.mapping);
  map.finish();
  job.mapping = mapping_hash(node, job.decoder.avro);
  return job;
}

}  // namespace adweave::app
