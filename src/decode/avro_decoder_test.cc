// SPDX-License-Identifier: Apache-2.0
#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "decode/avro_container.h"
#include "decode/avro_reader.h"
#include "decode/avro_schema.h"
#include "decode/avro_skip.h"
#include "decode/decode_test_support.h"
#include "tests/support/test_data.h"

namespace adweave::decode {
namespace {

using event::Field;
using event::Kind;
using event::Reason;

DecoderSpec bid_requests() {
  FieldRule amount = field(Field::bid_amount, {"auction_details.bid_amount"});
  amount.unit = MoneyUnit::per_thousand;
  FieldRule time;
  time.field = Field::event_time;
  time.from_receipt = true;
  return spec_of(Format::avro, {row(Kind::bid_request,
                                    {time, amount, field(Field::user_id, {"user_info.user_id"}),
                                     field(Field::location, {"user_info.location"}),
                                     field(Field::auction_id, {"auction_details.auction_id"}),
                                     field(Field::targeting, {"ad_targeting"})})});
}

TEST(AvroDecoder, ReadsTheCaseStudysBidRequests) {
  const auto out = decode_text(bid_requests(), tests::test_data("seeds/bid_requests.avro"));
  const event::Batch& batch = out.batch(Kind::bid_request);
  ASSERT_TRUE(out.rejects.empty());
  ASSERT_EQ(batch.rows, 2);
  EXPECT_EQ(out.records_read, 2);
  EXPECT_EQ(batch.user_id[0], "201");
  EXPECT_EQ(batch.user_id[1], "202");
  EXPECT_EQ(batch.event_time[0], kReceived);
  EXPECT_EQ(batch.spans[1].element, 1);
  EXPECT_NE(batch.targeting[0].find("\"creative_id\""), std::string_view::npos);
  EXPECT_GT(batch.bid_amount[0], 0);
}

TEST(AvroDecoder, EveryTruncationIsAnErrorOrARejectNeverACrash) {
  const std::string text = tests::test_data("seeds/bid_requests.avro");
  const auto header = read_avro_header(text);
  ASSERT_TRUE(header && *header);
  for (size_t size = (*header)->length + 1; size < text.size(); ++size) {
    const auto out = decode_text(bid_requests(), text.substr(0, size));
    EXPECT_EQ(out.batch(Kind::bid_request).rows, 0);
    ASSERT_EQ(out.rejects.size(), 1U) << size;
    EXPECT_EQ(out.rejects[0].reason, Reason::malformed);
  }
}

TEST(AvroDecoder, ADamagedBlockIsOneRejectAndTheNextIsRead) {
  std::string text = tests::test_data("seeds/bid_requests.avro");
  const auto header = **read_avro_header(text);
  const std::string block = text.substr(header.length);
  std::string damaged = block;
  damaged[4] = static_cast<char>(~damaged[4]);
  const auto out =
      decode_text(bid_requests(), text.substr(0, header.length) + block + damaged + block);
  EXPECT_EQ(out.batch(Kind::bid_request).rows, 4);
  ASSERT_EQ(out.rejects.size(), 1U);
  EXPECT_EQ(out.rejects[0].span.offset, static_cast<int64_t>(block.size()));
}

TEST(AvroDecoder, EveryAlteredByteIsHandled) {
  const std::string text = tests::test_data("seeds/bid_requests.avro");
  const size_t begin = (**read_avro_header(text)).length;
  for (size_t i = begin; i < text.size(); ++i) {
    for (const int bit : {0, 3, 7}) {
      std::string altered = text;
      altered[i] = static_cast<char>(altered[i] ^ (1 << bit));
      const auto slices = decode_file(bid_requests(), altered);
      for (const auto& out : slices) EXPECT_LE(out.batch(Kind::bid_request).rows, 2);
    }
  }
}

TEST(AvroHeader, AForeignFileIsRefused) {
  EXPECT_FALSE(read_avro_header("PAR1 and more"));
  EXPECT_TRUE(read_avro_header("Ob"));
  EXPECT_FALSE(*read_avro_header("Ob"));
}

// The least long as a count of metadata, then a size: minus it is no long.
TEST(AvroHeader, TheLeastCountIsNoCount) {
  const std::string count = std::string(9, '\xff') + '\x01';
  const auto header = read_avro_header("Obj\x01" + count + std::string(20, '\0'));
  EXPECT_TRUE(header && !*header);
}

TEST(AvroSchema, NamedTypesMayRefToThemselves) {
  const auto schema = AvroSchema::parse(
      R"({"type":"record","name":"n.List","fields":[{"name":"v","type":"long"},{"name":"next","type":["null","List"]}]})");
  ASSERT_TRUE(schema);
  EXPECT_EQ(schema->root().fields[1].type->items[1], &schema->root());
  EXPECT_FALSE(AvroSchema::parse(R"({"type":"recordd"})"));
  EXPECT_FALSE(AvroSchema::parse(R"({"type":"array"})"));
}

// The records of a container or of messages as JSON values.
std::vector<JsonValue> records_of(const DecoderSpec& spec, const std::string& text) {
  std::vector<JsonValue> records;
  for (const auto& out : decode_file(spec, text)) {
    EXPECT_TRUE(out.rejects.empty()) << out.rejects[0].message;
    const event::Batch& batch = out.batch(Kind::impression);
    for (int64_t i = 0; i < batch.rows; ++i) {
      const auto json = parse_json(batch.extra[i]);
      EXPECT_TRUE(json) << batch.extra[i];
      if (json) records.push_back(*json);
    }
  }
  return records;
}

// Equal as JSON: 1 is 1.0, the order of members means nothing.
bool same(const JsonValue& a, const JsonValue& b) {
  const auto number = [](const JsonValue& v) -> std::optional<double> {
    if (v.as_int() != nullptr) return static_cast<double>(*v.as_int());
    if (v.as_double() != nullptr) return *v.as_double();
    return std::nullopt;
  };
  if (number(a) || number(b)) return number(a) == number(b);
  if (a.as_array() != nullptr && b.as_array() != nullptr) {
    return std::equal(a.as_array()->begin(), a.as_array()->end(), b.as_array()->begin(),
                      b.as_array()->end(), same);
  }
  if (a.as_object() != nullptr && b.as_object() != nullptr) {
    return a.as_object()->size() == b.as_object()->size() &&
           std::all_of(a.as_object()->begin(), a.as_object()->end(), [&](const auto& member) {
             const JsonValue* other = b.find(member.first);
             return other != nullptr && same(member.second, *other);
           });
  }
  return a.dump() == b.dump();
}

std::vector<JsonValue> json_lines(const std::string& text) {
  DecoderSpec spec = whole_records(Format::json);
  return records_of(spec, text);
}

void expect_same(const std::vector<JsonValue>& found, const std::vector<JsonValue>& expected,
                 const std::string& name) {
  ASSERT_EQ(found.size(), expected.size()) << name;
  for (size_t i = 0; i < found.size(); ++i) {
    ASSERT_TRUE(same(found[i], expected[i])) << name << " row " << i << "\n"
                                             << found[i].dump() << "\n"
                                             << expected[i].dump();
  }
}

// Containers of many writers with the rows that other readers found in them (tests/data/avro).
TEST(AvroPool, EveryContainerGivesItsExpectedRows) {
  const std::string index = tests::test_data("avro/readers.csv");
  int containers = 0;
  for (size_t begin = index.find('\n') + 1; begin < index.size();
       begin = index.find('\n', begin) + 1) {
    const std::string name = index.substr(begin, index.find(',', begin) - begin);
    const size_t slash = name.rfind('/');
    const std::string expected = name.substr(0, slash) + "/expected" +
                                 name.substr(slash, name.size() - slash - 5) + ".ndjson";
    expect_same(records_of(whole_records(Format::avro), tests::test_data("avro/" + name)),
                json_lines(tests::test_data("avro/" + expected)), name);
    ++containers;
  }
  EXPECT_EQ(containers, 44);
}

// Apache Avro's vectors of canonical forms and fingerprints.
TEST(AvroPool, CanonicalFormsAndFingerprints) {
  const std::string text = tests::test_data("avro/apache/schema-tests.txt");
  int inputs = 0;
  int fingerprints = 0;
  for (size_t at = text.find("\n<<INPUT"); at != std::string::npos;
       at = text.find("\n<<INPUT", at + 1)) {
    const size_t begin = at + 8;
    const size_t line_end = text.find('\n', begin);
    const bool here = text.find_first_not_of(' ', begin) == line_end;
    const size_t end = here ? text.find("\nINPUT", begin) : line_end;
    const auto schema = AvroSchema::parse(text.substr(begin, end - begin));
    ASSERT_TRUE(schema) << text.substr(begin, end - begin);
    const std::string canonical = canonical_form(schema->root());
    const size_t next = std::min(text.find("\n<<INPUT", end), text.size());
    const size_t form = text.find("\n<<canonical ", end);
    ASSERT_LT(form, next);
    EXPECT_EQ(canonical, text.substr(form + 13, text.find('\n', form + 1) - form - 13));
    const size_t print = text.find("\n<<fingerprint ", end);
    ++inputs;
    if (print >= next) continue;
    EXPECT_EQ(std::to_string(static_cast<int64_t>(fingerprint(canonical))),
              text.substr(print + 15, text.find('\n', print + 1) - print - 15));
    ++fingerprints;
  }
  EXPECT_EQ(inputs, 34);  // a 35th is commented out: its size is no JSON number
  EXPECT_GT(fingerprints, 20);
}

TEST(AvroPool, ASingleObjectMessageNamesItsSchema) {
  DecoderSpec spec = whole_records(Format::avro);
  spec.avro.framing = AvroFraming::single_object;
  spec.avro.schemas = {{0, tests::test_data("avro/apache/messageV1/test_schema.avsc")}};
  const std::string message = tests::test_data("avro/apache/messageV1/test_message.bin");
  const auto expected = parse_json(tests::test_data("avro/apache/messageV1/expected.json"));
  const auto found = records_of(spec, message + message);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_TRUE(same(found[1], *expected->find("datum")));
  std::string foreign = message;
  foreign[2] = 'x';
  const auto out = decode_file(spec, message + foreign + message);
  EXPECT_EQ(out[0].batch(Kind::impression).rows, 1);
  ASSERT_EQ(out[1].rejects.size(), 1U);
}

// A book that is written in while it is used.
class GrowingBook : public SchemaBook {
 public:
  std::optional<std::string> find(int64_t id) const override {
    const auto it = schemas.find(id);
    return it == schemas.end() ? std::nullopt : std::optional(it->second);
  }
  std::map<int64_t, std::string> schemas;
};

TEST(AvroMessages, ASchemaOfABookIsKnownOnceItIsThere) {
  const auto book = std::make_shared<GrowingBook>();
  DecoderSpec spec = whole_records(Format::avro);
  spec.avro.framing = AvroFraming::confluent;
  spec.avro.from_registry = true;
  spec.avro.book = book;
  const auto decoder = make_decoder(spec);
  ASSERT_TRUE(decoder) << decoder.error().message;
  const std::string seven("\0\0\0\0\7\4ab", 8);
  const std::string eight("\0\0\0\0\10\2", 6);
  const std::string bytes = seven + eight + seven;
  const auto decode = [&] {
    event::Slice slice;
    slice.bytes = std::make_shared<const std::string>(bytes);
    return (*decoder)->decode(std::move(slice));
  };
  const auto cuts = [&](std::string_view rest) {
    return *(*decoder)->cutter()->cut(rest, 1, true);
  };
  // Of no schema: all that is left is one record.
  EXPECT_EQ(cuts(bytes), 22);
  event::DecodedSlice none = decode();
  ASSERT_EQ(none.rejects.size(), 1U);
  EXPECT_EQ(none.rejects[0].reason, Reason::unknown_schema);
  EXPECT_EQ(none.rejects[0].span.length, 22);
  EXPECT_EQ(none.rejects[0].message,
            "no schema is known for schema id 7: the schema registry does not know it");
  book->schemas[7] = R"({"type":"record","name":"R","fields":[{"name":"s","type":"string"}]})";
  EXPECT_EQ(cuts(bytes), 8);
  event::DecodedSlice one = decode();
  EXPECT_EQ(one.batch(Kind::impression).rows, 1);
  ASSERT_EQ(one.rejects.size(), 1U);
  EXPECT_EQ(one.rejects[0].span.offset, 8);
  EXPECT_EQ(one.rejects[0].span.length, 14);
  book->schemas[8] = R"({"type":"record","name":"R","fields":[{"name":"n","type":"int"}]})";
  event::DecodedSlice all = decode();
  EXPECT_EQ(all.batch(Kind::impression).rows, 3);
  EXPECT_TRUE(all.rejects.empty());
}

TEST(AvroMessages, OneWholeRecordMayStandBehindAnother) {
  DecoderSpec spec = whole_records(Format::avro);
  spec.avro.framing = AvroFraming::confluent;
  spec.avro.schemas = {
      {7, R"({"type":"record","name":"R","fields":[{"name":"s","type":"string"}]})"}};
  const std::string one("\0\0\0\0\7\4ab", 8);
  const auto decoder = make_decoder(spec);
  ASSERT_TRUE(decoder) << decoder.error().message;
  EXPECT_TRUE((*decoder)->is_message(one));
  EXPECT_FALSE((*decoder)->is_lines(one));
  EXPECT_FALSE((*decoder)->is_message(one + one));
  EXPECT_FALSE((*decoder)->is_message(one + "x"));
  EXPECT_FALSE((*decoder)->is_message(one.substr(0, 7)));
  EXPECT_FALSE((*decoder)->is_message(std::string("\0\0\0\0\10\4ab", 8)));       // of no schema
  EXPECT_FALSE((*decoder)->is_message(std::string("\0\0\0\0\7\4\xff\xff", 8)));  // not UTF-8
  EXPECT_FALSE((*decoder)->is_message(""));
  spec.avro.envelope = std::string(kWholeRecord);
  const auto enveloped = make_decoder(spec);
  ASSERT_TRUE(enveloped);
  EXPECT_FALSE((*enveloped)->is_message(one));
  EXPECT_TRUE((*enveloped)->is_lines("AAAAAAcEYWI="));
}

// A value that takes no bytes is not passed over without an end.
TEST(AvroMessages, ManyValuesInFewBytesAreNoMessage) {
  std::string schema = R"({"type":"record","name":"R0","fields":[]})";
  for (int i = 1; i < 40; ++i) {
    schema = fmt::format(R"({{"type":"record","name":"R{0}","fields":[{{"name":"a","type":{1}}},)"
                         R"({{"name":"b","type":"R{2}"}}]}})",
                         i, schema, i - 1);
  }
  const auto parsed = AvroSchema::parse(schema);
  ASSERT_TRUE(parsed) << parsed.error().message;
  AvroBytes in("");
  skip_avro(in, parsed->root());
  EXPECT_FALSE(in.ok());
}

struct Resolution {
  const char* name;
  std::string writer;
  std::string reader;
  std::string bytes;     // of one record
  std::string expected;  // JSON; "unread": the record cannot be read; "refused": no record can
};

class AvroResolution : public ::testing::TestWithParam<Resolution> {};

TEST_P(AvroResolution, ReadsAsTheReaderWants) {
  const auto writer = AvroSchema::parse(GetParam().writer);
  const auto reader = AvroSchema::parse(GetParam().reader);
  ASSERT_TRUE(writer && reader);
  const auto schema = resolve(*writer, *reader);
  ASSERT_EQ(!schema, GetParam().expected == "refused");
  if (!schema) return;
  AvroBytes in(GetParam().bytes);
  std::string json;
  AvroJson().append(json, in, schema->root(), 0);
  EXPECT_EQ(in.ok() ? json : "unread", GetParam().expected);
  AvroBytes skipped(GetParam().bytes);
  skip_avro(skipped, schema->root());
  EXPECT_EQ(skipped.ok(), in.ok());
  if (in.ok()) {
    EXPECT_EQ(skipped.position(), in.position());
  }
}

std::string record_of(const std::string& fields) {
  return R"({"type":"record","name":"R","fields":[)" + fields + "]}";
}

INSTANTIATE_TEST_SUITE_P(
    Schemas, AvroResolution,
    ::testing::Values(
        Resolution{"int as long", R"("int")", R"("long")", "\x06", "3"},
        Resolution{"int as double", R"("int")", R"("double")", "\x06", "3"},
        Resolution{"long as int", R"("long")", R"("int")", "\x06", "refused"},
        Resolution{"string as bytes", R"("string")", R"("bytes")", "\x04\xC3\xA9",
                   "\"\xC3\x83\xC2\xA9\""},
        Resolution{"bytes as string", R"("bytes")", R"("string")", "\x04\xC3\xA9", "\"\xC3\xA9\""},
        Resolution{"alias", record_of(R"({"name":"old","type":"int"})"),
                   record_of(R"({"name":"new","type":"long","aliases":["old"]})"), "\x06",
                   R"({"new":3})"},
        Resolution{"skipped and default",
                   record_of(R"({"name":"a","type":"string"},{"name":"b","type":"int"})"),
                   record_of(R"({"name":"b","type":"int"},{"name":"c","type":["null","int"],)"
                             R"("default":null},{"name":"d","type":{"type":"array","items":"int"},)"
                             R"("default":[1,2]})"),
                   "\x02x\x06", R"({"b":3,"c":null,"d":[1,2]})"},
        Resolution{"no default", record_of(""), record_of(R"({"name":"a","type":"int"})"), "",
                   "refused"},
        Resolution{"default of another type", record_of(""),
                   record_of(R"({"name":"a","type":"int","default":"x"})"), "", "refused"},
        Resolution{"bytes default", record_of(""),
                   record_of("{\"name\":\"a\",\"type\":\"bytes\",\"default\":\"\\u00ff\"}"), "",
                   "{\"a\":\"\xC3\xBF\"}"},
        Resolution{"enum default", R"({"type":"enum","name":"E","symbols":["A","B"]})",
                   R"({"type":"enum","name":"E","symbols":["A","O"],"default":"O"})", "\x02",
                   "\"O\""},
        Resolution{"enum without default", R"({"type":"enum","name":"E","symbols":["A","B"]})",
                   R"({"type":"enum","name":"E","symbols":["A"]})", "\x02", "unread"},
        Resolution{"writer's union", R"(["int","string"])", R"("string")", "\x02\x02x", "\"x\""},
        Resolution{"writer's union, branch that does not fit", R"(["int","string"])", R"("string")",
                   std::string("\0\x06", 2), "unread"},
        Resolution{"reader's union prefers the same type", R"("int")", R"(["double","int"])",
                   "\x06", "3"},
        Resolution{"reader's union by promotion", R"("int")", R"(["string","double"])", "\x06",
                   "3"},
        Resolution{"fixed of another size", R"({"type":"fixed","name":"F","size":2})",
                   R"({"type":"fixed","name":"F","size":3})", "xx", "refused"},
        Resolution{"recursive",
                   R"({"type":"record","name":"L","fields":[{"name":"v","type":"int"},)"
                   R"({"name":"n","type":["null","L"]}]})",
                   R"({"type":"record","name":"L","fields":[{"name":"v","type":"long"},)"
                   R"({"name":"n","type":["null","L"]}]})",
                   std::string("\x02\x02\x04\0", 4), R"({"v":1,"n":{"v":2,"n":null}})"},
        Resolution{"logical types are the reader's", R"("long")",
                   R"({"type":"long","logicalType":"timestamp-millis"})", "\x02",
                   "\"1970-01-01T00:00:00.001000Z\""}));

TEST(AvroLogical, ValuesAreSpelledOut) {
  const auto text = [](const std::string& schema, const std::string& bytes) {
    const auto parsed = AvroSchema::parse(schema);
    CHECK(parsed);
    AvroBytes in(bytes);
    std::string json;
    AvroJson().append(json, in, parsed->root(), 0);
    return in.ok() ? json : "unread";
  };
  const auto logical = [](const char* type, const char* name, const char* more = "") {
    return std::string("{\"type\":\"") + type + "\",\"logicalType\":\"" + name + "\"" + more + "}";
  };
  EXPECT_EQ(text(logical("int", "date"), "\x02"), "\"1970-01-02\"");
  EXPECT_EQ(text(logical("int", "time-millis"), "\xD0\x0F"), "\"00:00:01\"");
  EXPECT_EQ(text(logical("long", "timestamp-nanos"), "\xD0\x0F"),
            "\"1970-01-01T00:00:00.000001Z\"");
  EXPECT_EQ(text(logical("long", "local-timestamp-micros"), "\x02"),
            "\"1970-01-01T00:00:00.000001\"");
  EXPECT_EQ(text(logical("bytes", "decimal", R"(,"precision":4,"scale":2)"), "\x02\x85"), "-1.23");
  EXPECT_EQ(text(logical("fixed", "uuid", R"(,"name":"U","size":16)"), "0123456789abcdef"),
            "\"30313233-3435-3637-3839-616263646566\"");
  EXPECT_EQ(text(logical("fixed", "duration", R"(,"name":"D","size":12)"),
                 std::string("\1\0\0\0\2\0\0\0\3\0\0\0", 12)),
            R"({"months":1,"days":2,"milliseconds":3})");
  EXPECT_EQ(text(logical("string", "date"), "\x02x"), "\"x\"");
  EXPECT_EQ(text(R"("int")", "\xFE\xFF\xFF\xFF\x1F"), "unread");  // 33 bits
}

TEST(AvroDecoder, HugeAndNegativeCountsAreRefused) {
  const auto array = AvroSchema::parse(R"({"type":"array","items":"null"})");
  for (const char* bytes : {"\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01",
                            "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01\x02"}) {
    AvroBytes in(bytes);
    std::string json;
    AvroJson().append(json, in, array->root(), 0);
    EXPECT_FALSE(in.ok());
  }
}

}  // namespace
}  // namespace adweave::decode
