// SPDX-License-Identifier: Apache-2.0
#include "registry/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace adweave::registry {
namespace {

using ::testing::HasSubstr;

std::string identity_of(const std::string& text) {
  const Result<Schema> schema = Schema::parse(text);
  return schema ? schema->identity() : "not a schema: " + schema.error().message;
}

TEST(Schema, HasOneIdentityHoweverItIsWritten) {
  const std::string one = identity_of(
      R"({"type":"record","name":"R","namespace":"a.b","doc":"d","fields":[
          {"name":"x","type":{"type":"string"},"default":""},
          {"name":"e","type":{"type":"enum","name":"E","symbols":["A"],"aliases":["F"]}},
          {"name":"again","type":["null","E"]}]})");
  const std::string other = identity_of(
      R"({"fields":[{"type":"string","default":"","name":"x"},
                    {"name":"e","type":{"symbols":["A"],"name":"a.b.E","aliases":["a.b.F"],
                                        "type":"enum"}},
                    {"name":"again","type":["null","a.b.E"]}],
          "doc":"d","name":"a.b.R","type":"record"})");
  EXPECT_THAT(one, HasSubstr("a.b.R"));
  EXPECT_EQ(one, other);
  EXPECT_EQ(identity_of(R"({"type":"int"})"), identity_of("\"int\""));
  EXPECT_EQ(identity_of(R"({"type":"array","items":{"type":"int"}})"),
            identity_of(R"({"items":"int","type":"array"})"));
}

TEST(Schema, WhatHasAMeaningIsOfItsIdentity) {
  const std::string head = R"({"type":"record","name":"R","fields":[{"name":"x","type":"int")";
  std::set<std::string> identities;
  for (const char* more :
       {"}]}", ",\"default\":1}]}", ",\"default\":2}]}", ",\"aliases\":[\"y\"]}]}",
        ",\"doc\":\"d\"}]}", ",\"my.own\":true}]}", "}],\"aliases\":[\"S\"]}"}) {
    identities.insert(identity_of(head + more));
  }
  identities.insert(identity_of(R"({"type":"int","logicalType":"date"})"));
  EXPECT_EQ(identities.size(), 8U);
  for (const std::string& identity : identities) EXPECT_THAT(identity, HasSubstr("int"));
}

TEST(Schema, WhatBreaksARuleSaysWhichAndWhere) {
  const auto record = [](const std::string& fields) {
    return R"({"type":"record","name":"R","fields":[)" + fields + "]}";
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "not JSON"},
      {"{}", "no \"type\""},
      {"7", "neither name, object nor array"},
      {"\"strin\"", "unknown type 'strin'"},
      {R"({"type":"record","fields":[]})", "no \"name\""},
      {R"({"type":"record","name":"R"})", "'fields'"},
      {R"({"type":"record","name":"1R","fields":[]})", "'1R' is no name"},
      {R"({"type":"record","name":"a..R","fields":[]})", "'a..R' is no name"},
      {R"({"type":"record","name":"R","fields":[],"fields":[]})", "\"fields\" is there twice"},
      {record(R"({"name":"x","type":"int"},{"name":"x","type":"int"})"), "'R.x' is there twice"},
      {record(R"({"name":"x.y","type":"int"})"), "a field of 'R' has no \"name\" that is one"},
      {record(R"({"name":"x"})"), "the field 'R.x' has no \"type\""},
      {record(R"({"name":"x","type":"int","default":"1"})"), "'R.x' has a default"},
      {record(R"({"name":"x","type":"int","default":2147483648})"), "'R.x' has a default"},
      {record(R"({"name":"x","type":["int","string"],"default":null})"), "'R.x' has a default"},
      {record(R"({"name":"x","type":"bytes","default":"€"})"), "'R.x' has a default"},
      {record(R"({"name":"x","type":{"type":"fixed","name":"F","size":2},"default":"a"})"),
       "'R.x' has a default"},
      {record(R"({"name":"x","type":{"type":"record","name":"S","fields":[
                 {"name":"y","type":"int"}]},"default":{}})"),
       "'R.x' has a default"},
      {R"({"type":"enum","name":"E","symbols":["A","A"]})", "'A' of 'E' is there twice"},
      {R"({"type":"enum","name":"E","symbols":["A-B"]})", "'A-B' of 'E' is no name"},
      {R"({"type":"enum","name":"E","symbols":["A",1]})", "no list of texts"},
      {R"({"type":"enum","name":"E","symbols":["A"],"default":"B"})", "none of its symbols"},
      {"[]", "a union has no branch"},
      {R"(["int","int"])", "two branches of the same type"},
      {R"([{"type":"array","items":"int"},{"type":"array","items":"long"}])", "two branches"},
      {R"(["null",["int"]])", "a union is a branch of a union"},
      {std::string(2000, '[') + std::string(2000, ']'), "nested"},
      {"\"" + std::string(1 << 20, 'x') + "\"", "the most are 1048576"}};
  for (const auto& [text, what] : cases) {
    const Result<Schema> schema = Schema::parse(text);
    ASSERT_FALSE(schema) << text;
    EXPECT_THAT(schema.error().message, HasSubstr(what)) << text.substr(0, 200);
  }
}

TEST(Schema, DefaultsOfEveryTypeAreTaken) {
  for (const char* field :
       {R"("int","default":-1)", R"("long","default":9223372036854775807)",
        R"("double","default":0)", R"("float","default":1.5)", R"("boolean","default":true)",
        R"("bytes","default":"\u00ff")", R"(["null","string"],"default":null)",
        R"(["null","string"],"default":"x")", R"({"type":"array","items":"int"},"default":[1])",
        R"({"type":"map","values":"int"},"default":{"a":1})",
        R"({"type":"fixed","name":"F","size":2},"default":"\u00ff\u0000")",
        R"({"type":"enum","name":"E","symbols":["A"]},"default":"A")",
        R"(["null","R"],"default":null)",
        R"({"type":"record","name":"S","fields":[{"name":"y","type":"int","default":1},
            {"name":"z","type":"int"}]},"default":{"z":2})"}) {
    const std::string text =
        std::string(R"({"type":"record","name":"R","fields":[{"name":"x","type":)") + field + "}]}";
    const Result<Schema> schema = Schema::parse(text);
    EXPECT_TRUE(schema) << text << (schema ? "" : schema.error().message);
  }
}

// Each record's default has two of the record before it: written out, it would have 2^200 parts.
TEST(Schema, ADefaultIsNotWrittenOut) {
  std::string union_of = R"([{"type":"record","name":"R0","fields":[]})";
  for (int i = 1; i <= 200; ++i) {
    const std::string before = "\"R" + std::to_string(i - 1) + "\"";
    union_of += R"(,{"type":"record","name":"R)" + std::to_string(i) +
                R"(","fields":[{"name":"a","type":)" + before +
                R"(,"default":{}},{"name":"b","type":)" + before + R"(,"default":{}}]})";
  }
  EXPECT_TRUE(Schema::parse(union_of + "]"));
}

}  // namespace
}  // namespace adweave::registry
