// SPDX-License-Identifier: Apache-2.0
// What a file is, what is in it, and a configuration that reads it.
#include <algorithm>
#include <filesystem>
#include <iostream>

#include <fmt/format.h>

#include "app/command.h"
#include "app/config/source_text.h"
#include "app/terminal/terminal.h"
#include "base/limits.h"
#include "decode/decoder.h"
#include "decode/detect/detect.h"
#include "decode/detect/guess_mapping.h"
#include "event/slice.h"
#include "source/slice_reader.h"

namespace adweave::app {

namespace {

using decode::DecoderSpec;

constexpr size_t kSampleRecords = 1000;  // by which the mapping is guessed
constexpr size_t kPathsShown = 40;       // in the table for people
constexpr size_t kRejectsShown = 10;     // likewise
constexpr int64_t kRowsShown = 3;

struct InspectOptions {
  std::string file;
  std::string rows = std::to_string(kRowsShown);
  std::string schema;
  std::string output = "table";

  int64_t rows_max() const { return rows == "all" ? INT64_MAX : std::stoll(rows); }
};

struct RejectedRecord {
  std::string position;
  std::string reason;
  std::string message;
};

// Decodes a file slice by slice until `f` returns false.
Status decode_file(const FileSystem& fs, const std::string& path, const DecoderSpec& spec,
                   const std::function<bool(const event::DecodedSlice&)>& f) {
  ADWEAVE_ASSIGN(const std::unique_ptr<decode::Decoder> decoder, decode::make_decoder(spec));
  ADWEAVE_ASSIGN(const FileInfo info, fs.info(path));
  const source::SourceFile file{path, path, info.size, "", info.modified_us};
  const source::FileFormat format{
      [&](std::string_view start) { return decoder->content(start); },
      [&] { return decoder->cutter(); },
  };
  ADWEAVE_ASSIGN(source::SliceReader reader,
                 source::SliceReader::open(fs, file, spec.source, 0, limits::kMiB, format));
  while (true) {
    ADWEAVE_ASSIGN(std::optional<event::Slice> slice, reader.next());
    if (!slice) return {};
    if (!f(decoder->decode(std::move(*slice)))) return {};
  }
}

// Calls `row` with the JSON text of every record, up to `rows_max` of them, and `reject` for those
// that cannot be read among them; as many, and at least a sample's, end it too.
Status read_records(const FileSystem& fs, const std::string& path, const DecoderSpec& spec,
                    int64_t rows_max, const std::function<void(std::string_view)>& row,
                    const std::function<void(RejectedRecord)>& reject) {
  int64_t left = rows_max;
  int64_t rejects_left = std::max(rows_max, static_cast<int64_t>(kSampleRecords));
  return decode_file(fs, path, decode::whole_records(spec),
                     [&](const event::DecodedSlice& decoded) {
                       const event::Batch& batch = decoded.batch(event::Kind::impression);
                       for (int64_t i = 0; i < batch.rows && left > 0; ++i, --left)
                         row(batch.extra.value_or(i, "null"));
                       for (const event::Reject& r : decoded.rejects) {
                         if (rejects_left-- == 0) return false;
                         reject({event::position_text(decoded.slice, r.span),
                                 std::string(event::reason_name(r.reason)), r.message});
                       }
                       return left > 0;
                     });
}

// What there is to say of a file.
struct Inspection {
  decode::Detected detected;
  decode::MappingGuess guess;
  std::vector<JsonValue> sample;
  std::vector<std::string> records;  // JSON texts of those that are shown
  std::vector<RejectedRecord> rejected;
  std::vector<std::pair<std::string, std::string>> schemas;
  std::string config;
};

// Fields that the sample does not fit are left out; one that the kind needs is a constant instead.
void drop_misfits(const FileSystem& fs, const std::string& path, DecoderSpec& spec,
                  std::vector<std::string>& assumed) {
  for (bool again = true; again;) {
    again = false;
    std::string rule;
    const Status done = decode_file(fs, path, spec, [&](const event::DecodedSlice& decoded) {
      for (const event::Reject& reject : decoded.rejects) {
        if (event::parse_field(reject.rule)) rule = reject.rule;
      }
      return false;
    });
    if (!done || rule.empty()) return;
    for (decode::RowRule& row : spec.mapping.rows) {
      for (decode::FieldRule& field : row.fields) {
        if (event::info(field.field).name != rule || field.from.empty()) continue;
        again = true;
        field.from.clear();
        field.fallback.reset();
        field.from_receipt = field.field == event::Field::event_time;
        if (!field.from_receipt) field.constant = "unknown";
      }
    }
    if (again) assumed.push_back("the values do not fit " + rule + ": it is not read");
  }
}

Result<decode::Detected> detect_file(const FileSystem& fs, const std::string& path) {
  ADWEAVE_ASSIGN(const FileInfo info, fs.info(path));
  if (info.is_directory) return Error{ErrorCode::usage, path + " is a folder", "name a file in it"};
  ADWEAVE_ASSIGN(const std::unique_ptr<File> file, fs.open(path));
  std::string start(decode::kDetectBytes, '\0');
  ADWEAVE_ASSIGN(const int64_t read, file->read_at(0, start.data(), decode::kDetectBytes));
  start.resize(static_cast<size_t>(read));
  Result<decode::Detected> detected = decode::detect(start, read == info.size, path);
  if (!detected) return std::move(detected).error().within(path);
  detected->spec.source = std::filesystem::path(path).stem().stem().string();
  if (detected->spec.source.empty()) detected->spec.source = "source";
  return detected;
}

bool is_message(const DecoderSpec& spec) {
  return spec.format == decode::Format::avro && spec.avro.framing != decode::AvroFraming::container;
}

// Files that may hold the schema of a message file: the one that was named, or those beside it.
std::vector<std::string> schema_files(const FileSystem& fs, const InspectOptions& options) {
  if (!options.schema.empty()) return {options.schema};
  const std::string folder = parent_path(options.file);
  std::vector<std::string> files;
  const Result<std::vector<std::string>> names = fs.list(folder);
  if (!names) return {};
  for (const std::string& name : *names) {
    const bool json = name.ends_with(".json") && name.find("schema") != std::string::npos;
    if (name.ends_with(".avsc") || json)
      files.push_back(folder == "." ? name : join_path(folder, name));
  }
  return files;
}

// Text of an Avro schema, also within a registry's answer; empty when there is none.
std::string schema_of(const FileSystem& fs, const std::string& file) {
  const Result<std::string> text = read_file(fs, file, limits::kConfigBytesMax);
  if (!text) return {};
  const Result<JsonValue> json = parse_json(*text);
  if (!json) return {};
  const JsonValue* answer = json->find("schema");
  return answer != nullptr && answer->as_string() != nullptr ? *answer->as_string() : *text;
}

// Finds the schema by which the first messages can be read.
void find_schema(const FileSystem& fs, const InspectOptions& options, Inspection& out) {
  decode::AvroSpec& avro = out.detected.spec.avro;
  const bool by_id = avro.framing == decode::AvroFraming::confluent;
  for (const std::string& file : schema_files(fs, options)) {
    avro.schemas = {{by_id ? std::stoll(out.detected.schema_id) : 0, schema_of(fs, file)}};
    bool read = false;
    const Status done = decode_file(fs, options.file, decode::whole_records(out.detected.spec),
                                    [&](const event::DecodedSlice& decoded) {
                                      read = decoded.rejects.empty() &&
                                             decoded.batch(event::Kind::impression).rows > 0;
                                      return false;
                                    });
    if (!done || !read) continue;
    out.schemas = {{by_id ? out.detected.schema_id : "", file}};
    return;
  }
  avro.schemas.clear();
  out.guess.assumed.push_back("the messages' schema " + out.detected.schema_id +
                              " is not known: give it with --schema FILE");
}

Result<Inspection> inspect(const FileSystem& fs, const InspectOptions& options) {
  Inspection out;
  ADWEAVE_ASSIGN(out.detected, detect_file(fs, options.file));
  DecoderSpec& spec = out.detected.spec;
  if (is_message(spec)) find_schema(fs, options, out);
  if (is_message(spec) && out.schemas.empty()) return out;
  const auto shown = static_cast<size_t>(std::min<int64_t>(options.rows_max(), INT32_MAX));
  ADWEAVE_TRY(read_records(
      fs, options.file, spec, static_cast<int64_t>(std::max(shown, kSampleRecords)),
      [&](std::string_view text) {
        if (out.records.size() < shown) out.records.emplace_back(text);
        if (out.sample.size() >= kSampleRecords) return;
        if (Result<JsonValue> value = parse_json(text)) out.sample.push_back(std::move(*value));
      },
      [&](RejectedRecord reject) { out.rejected.push_back(std::move(reject)); }));
  const bool nested = spec.format == decode::Format::json || spec.format == decode::Format::avro;
  out.guess = decode::guess_mapping(out.sample, nested,
                                    std::filesystem::path(options.file).filename().string());
  spec.mapping = out.guess.mapping;
  drop_misfits(fs, options.file, spec, out.guess.assumed);
  out.config = source_text({spec, options.file, out.schemas, out.guess.assumed});
  return out;
}

std::string percent(double part) {
  return fmt::format("{:.0f} %", part * 100);
}

std::string quoted(char c) {
  return c == '\t' ? "tab" : fmt::format("'{}'", c);
}

// "CSV, comma, ..." in words.
std::string dialect_text(const DecoderSpec& spec) {
  if (spec.format == decode::Format::json) return std::string(framing_word(spec.framing));
  if (spec.format == decode::Format::avro) {
    std::string text(framing_word(spec.avro.framing));
    if (!spec.avro.envelope.empty()) text += ", base64 at " + spec.avro.envelope;
    return text;
  }
  if (spec.format == decode::Format::lines) return spec.pattern;
  std::string text = "delimiter " + quoted(spec.csv.delimiter);
  if (spec.csv.quote) text += ", quote " + quoted(*spec.csv.quote);
  if (spec.csv.escape) text += ", escape " + quoted(*spec.csv.escape);
  if (spec.csv.comment) text += ", comment " + quoted(*spec.csv.comment);
  if (spec.csv.skip > 0) text += fmt::format(", {} line(s) before the header", spec.csv.skip);
  return text + (spec.csv.header ? ", header" : ", no header");
}

// For programs.
JsonValue dialect_json(const DecoderSpec& spec) {
  JsonValue out;
  const auto character = [](std::optional<char> c) {
    return c ? JsonValue(std::string(1, *c)) : JsonValue();
  };
  if (spec.format == decode::Format::json) out.set("framing", framing_word(spec.framing));
  if (spec.format == decode::Format::lines) out.set("pattern", spec.pattern);
  if (spec.format == decode::Format::avro) {
    out.set("framing", framing_word(spec.avro.framing));
    if (!spec.avro.envelope.empty()) out.set("envelope", spec.avro.envelope);
  }
  if (spec.format != decode::Format::csv) return out;
  out.set("delimiter", character(spec.csv.delimiter));
  out.set("quote", character(spec.csv.quote));
  out.set("escape", character(spec.csv.escape));
  out.set("comment", character(spec.csv.comment));
  out.set("skip", spec.csv.skip);
  out.set("header", spec.csv.header);
  return out;
}

JsonValue inspection_json(const InspectOptions& options, const Inspection& inspection) {
  const decode::Detected& detected = inspection.detected;
  JsonValue out;
  out.set("file", options.file);
  out.set("format", format_word(detected.spec.format));
  out.set("compression", compression_word(detected.spec.compression));
  out.set("encoding", encoding_word(detected.spec.encoding));
  out.set("line_ends", detected.line_ends);
  out.set("dialect", dialect_json(detected.spec));
  if (!detected.avro_codec.empty()) out.set("codec", detected.avro_codec);
  if (!detected.schema_id.empty()) out.set("schema_id", detected.schema_id);
  out.set("confidence", detected.confidence);
  out.set("kind", event::kind_name(inspection.guess.kind));
  out.set("kind_confidence", inspection.guess.confidence);
  JsonValue assumed{JsonValue::Array()};
  for (const std::string& text : inspection.guess.assumed) assumed.push(text);
  out.set("assumed", assumed);
  JsonValue rows{JsonValue::Array()};
  for (const std::string& record : inspection.records) {
    Result<JsonValue> value = parse_json(record);
    rows.push(value ? std::move(*value) : JsonValue(record));
  }
  out.set("rows", rows);
  JsonValue rejected{JsonValue::Array()};
  for (const RejectedRecord& reject : inspection.rejected) {
    JsonValue row;
    row.set("position", reject.position);
    row.set("reason", reject.reason);
    row.set("message", reject.message);
    rejected.push(row);
  }
  out.set("rejected", rejected);
  out.set("config", inspection.config);
  return out;
}

// The fields that read a path.
std::string fields_of(const decode::MappingSpec& mapping, const std::string& path) {
  std::vector<std::string> names;
  for (const decode::RowRule& row : mapping.rows) {
    for (const decode::FieldRule& rule : row.fields) {
      const std::string name(event::info(rule.field).name);
      const bool reads = std::find(rule.from.begin(), rule.from.end(), path) != rule.from.end();
      if (reads && std::find(names.begin(), names.end(), name) == names.end())
        names.push_back(name);
    }
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

// One line a path: its values in the first records, and the field it becomes.
void print_sample(const Inspection& inspection) {
  const DecoderSpec& spec = inspection.detected.spec;
  const bool nested = spec.format == decode::Format::json || spec.format == decode::Format::avro;
  const size_t shown = std::min(inspection.records.size(), inspection.sample.size());
  const std::vector<decode::Leaf> leaves =
      decode::leaves_of(std::span(inspection.sample).first(shown), nested);
  query::QueryResult table;
  table.columns = {nested ? "path" : "column"};
  for (size_t i = 0; i < shown; ++i) table.columns.push_back(fmt::format("row {}", i + 1));
  table.columns.emplace_back("becomes");
  size_t hidden = 0;
  for (const decode::Leaf& leaf : leaves) {
    const bool empty = std::all_of(leaf.values.begin(), leaf.values.end(),
                                   [](const JsonValue* v) { return v == nullptr || v->is_null(); });
    if (empty || table.rows.size() == kPathsShown) {
      ++hidden;
      continue;
    }
    std::vector<JsonValue> row = {leaf.path};
    for (const JsonValue* value : leaf.values) {
      const bool inner =
          value != nullptr && (value->as_array() != nullptr || value->as_object() != nullptr);
      row.push_back(value == nullptr ? JsonValue() : inner ? JsonValue(value->dump()) : *value);
    }
    row.emplace_back(fields_of(spec.mapping, leaf.path));
    table.rows.push_back(std::move(row));
  }
  write_result(std::cout, table, OutputFormat::table, output_width());
  if (hidden > 0) std::cout << fmt::format("... and {} more, or without values\n", hidden);
}

void print_rejected(const std::vector<RejectedRecord>& rejected) {
  for (size_t i = 0; i < std::min(rejected.size(), kRejectsShown); ++i) {
    std::cout << fmt::format("rejected at {}: {}: {}\n", rejected[i].position, rejected[i].reason,
                             rejected[i].message);
  }
  if (rejected.size() > kRejectsShown)
    std::cout << fmt::format("... and {} more\n", rejected.size() - kRejectsShown);
}

void print_inspection(const InspectOptions& options, const Inspection& inspection) {
  const decode::Detected& detected = inspection.detected;
  const DecoderSpec& spec = detected.spec;
  std::cout << fmt::format("file         {}\n", options.file)
            << fmt::format("format       {} ({}), {} sure\n", format_word(spec.format),
                           dialect_text(spec), percent(detected.confidence))
            << fmt::format("compression  {}{}\n", compression_word(spec.compression),
                           detected.avro_codec.empty() ? "" : ", blocks " + detected.avro_codec);
  if (spec.format != decode::Format::avro) {
    std::cout << fmt::format("encoding     {}, line ends {}\n", encoding_word(spec.encoding),
                             detected.line_ends.empty() ? "none" : detected.line_ends);
  }
  if (!inspection.config.empty()) {
    std::cout << fmt::format("events       {}, {} sure\n\n",
                             event::table_name(inspection.guess.kind),
                             percent(inspection.guess.confidence));
    if (!inspection.sample.empty()) print_sample(inspection);
  }
  print_rejected(inspection.rejected);
  if (inspection.config.empty()) {
    for (const std::string& text : inspection.guess.assumed) std::cout << text << '\n';
  } else {
    std::cout << "\nA configuration that reads it (adweave run -c FILE --data DIR):\n\n"
              << inspection.config;
  }
}

// JSON has line ends only between its values.
std::string one_line(std::string_view json) {
  std::string line(json);
  std::replace_if(line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return line;
}

// Rows alone, as a stream.
int print_rows_only(FileSystem& fs, const InspectOptions& options) {
  Inspection found;
  Result<decode::Detected> detected = detect_file(fs, options.file);
  if (!detected) return fail(detected.error());
  found.detected = std::move(*detected);
  if (is_message(found.detected.spec)) find_schema(fs, options, found);
  if (is_message(found.detected.spec) && found.schemas.empty())
    return fail({ErrorCode::usage, found.guess.assumed[0], "adweave inspect FILE --schema FILE"});
  int64_t rejected = 0;
  const Status done = read_records(
      fs, options.file, found.detected.spec, options.rows_max(),
      [](std::string_view text) { std::cout << one_line(text) << '\n'; },
      [&](const RejectedRecord& reject) {
        ++rejected;
        std::cerr << "rejected at " << reject.position << ": " << reject.reason << ": "
                  << reject.message << '\n';
      });
  std::cout.flush();
  if (!done) return fail(done.error());
  return rejected == 0 ? kOk : kFailed;
}

int inspect_command(FileSystem& fs, const InspectOptions& options) {
  if (*parse_output(options.output) == OutputFormat::ndjson) return print_rows_only(fs, options);
  const Result<Inspection> inspection = inspect(fs, options);
  if (!inspection) return fail(inspection.error());
  if (options.output == "json") {
    std::cout << inspection_json(options, *inspection).dump() << '\n';
  } else {
    print_inspection(options, *inspection);
  }
  std::cout.flush();
  return kOk;
}

}  // namespace

void add_inspect_command(Program& program) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App* command =
      add_command(program, "inspect",
                  "Tells what a file is, shows its first rows and a configuration that reads it.",
                  {"adweave inspect clicks.csv.gz",
                   "adweave inspect bids.avro --rows all --output ndjson   # the rows alone",
                   "adweave inspect messages.bin --schema bid_request.avsc"});
  command->add_option("file", options->file, "The file")->required()->type_name("FILE");
  command->add_option("--rows", options->rows, "Rows to show, or all")
      ->check(CLI::IsMember({"all"}) | CLI::Range(0, 1'000'000))
      ->type_name("N");
  command
      ->add_option("--schema", options->schema,
                   "Schema of Avro messages; by default one is looked for beside the file")
      ->type_name("FILE");
  command
      ->add_option("--output", options->output,
                   "table for people, json for programs, ndjson for the rows alone")
      ->check(CLI::IsMember({"table", "json", "ndjson"}))
      ->type_name("FORMAT");
  command->callback([&program, options] {
    program.action = [&program, options] { return inspect_command(program.fs, *options); };
  });
}

}  // namespace adweave::app
