// SPDX-License-Identifier: Apache-2.0
// tests/integration/test_schema_registry.py compares many more with Avro's own verdicts.
#include "registry/compatibility.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace adweave::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Schema schema_of(const std::string& text) {
  Result<Schema> schema = Schema::parse(text);
  CHECK(schema);
  return *std::move(schema);
}

std::string record(const std::string& fields, const std::string& name = "R") {
  return R"({"type":"record","name":")" + name + R"(","fields":[)" + fields + "]}";
}

std::string enumeration(const std::string& symbols, const std::string& more = "") {
  return R"({"type":"enum","name":"E","symbols":[)" + symbols + "]" + more + "}";
}

// "KIND at /path", of each.
std::vector<std::string> found(const std::string& reader, const std::string& writer) {
  std::vector<std::string> all;
  for (const Misfit& misfit : misfits(schema_of(reader), schema_of(writer))) {
    EXPECT_FALSE(misfit.what.empty());
    all.push_back(fmt::format("{} at {}", misfit.kind, misfit.path));
  }
  return all;
}

TEST(Compatibility, NumbersAreReadAsWiderOnesAndTextsAsBytes) {
  const std::vector<std::string> types = {"null",  "boolean", "int",   "long",
                                          "float", "double",  "bytes", "string"};
  const std::set<std::pair<std::string, std::string>> reads = {
      {"long", "int"},    {"float", "int"},    {"float", "long"},   {"double", "int"},
      {"double", "long"}, {"double", "float"}, {"bytes", "string"}, {"string", "bytes"}};
  for (const std::string& reader : types) {
    for (const std::string& writer : types) {
      const bool fits = reader == writer || reads.contains({reader, writer});
      EXPECT_EQ(found("\"" + reader + "\"", "\"" + writer + "\"").empty(), fits)
          << reader << " reads " << writer;
    }
  }
}

TEST(Compatibility, AFieldIsFoundByNameOrAliasOrHasADefault) {
  const std::string x = record(R"({"name":"x","type":"int"})");
  EXPECT_THAT(found(x, x), IsEmpty());
  EXPECT_THAT(found(record(""), x), IsEmpty());
  EXPECT_THAT(found(x, record("")), ElementsAre("READER_FIELD_MISSING_DEFAULT_VALUE at /fields/0"));
  EXPECT_THAT(found(record(R"({"name":"x","type":"int","default":1})"), record("")), IsEmpty());
  EXPECT_THAT(found(record(R"({"name":"y","aliases":["x"],"type":"long"})"), x), IsEmpty());
  EXPECT_THAT(found(record(R"({"name":"y","aliases":["x"],"type":"string"})"), x),
              ElementsAre("TYPE_MISMATCH at /fields/0/type"));
}

TEST(Compatibility, NamedTypesKeepTheirNames) {
  EXPECT_THAT(found(record("", "S"), record("")), ElementsAre("NAME_MISMATCH at /name"));
  EXPECT_THAT(found(record("", "ns.R"), record("")), IsEmpty()) << "the namespace may differ";
  EXPECT_THAT(found(R"({"type":"record","name":"S","aliases":["R"],"fields":[]})", record("")),
              IsEmpty());
  EXPECT_THAT(
      found(R"({"type":"fixed","name":"F","size":2})", R"({"type":"fixed","name":"G","size":3})"),
      ElementsAre("NAME_MISMATCH at /name", "FIXED_SIZE_MISMATCH at /size"));
}

TEST(Compatibility, SymbolsAreKnownOrHaveADefault) {
  EXPECT_THAT(found(enumeration(R"("A","B")"), enumeration(R"("A")")), IsEmpty());
  EXPECT_THAT(found(enumeration(R"("A")"), enumeration(R"("A","B")")),
              ElementsAre("MISSING_ENUM_SYMBOLS at /symbols"));
  EXPECT_THAT(found(enumeration(R"("A")", R"(,"default":"A")"), enumeration(R"("A","B")")),
              IsEmpty());
}

TEST(Compatibility, AUnionReadsWhatOneOfItsBranchesReads) {
  EXPECT_THAT(found(R"(["null","long"])", "\"int\""), IsEmpty());
  EXPECT_THAT(found(R"(["null","string"])", R"(["string","null"])"), IsEmpty());
  EXPECT_THAT(found(R"(["null","int"])", "\"string\""), ElementsAre("MISSING_UNION_BRANCH at /"));
  EXPECT_THAT(found(R"(["null"])", R"(["null","int"])"), ElementsAre("MISSING_UNION_BRANCH at /"));
  EXPECT_THAT(found("\"long\"", R"(["int","long"])"), IsEmpty());
  EXPECT_THAT(found("\"int\"", R"(["int","long"])"), ElementsAre("TYPE_MISMATCH at /"));
  // It says what is wrong with the branch that was meant.
  EXPECT_THAT(found("[\"null\"," + record(R"({"name":"x","type":"int"})") + "]", record("")),
              ElementsAre("READER_FIELD_MISSING_DEFAULT_VALUE at /1/fields/0"));
}

TEST(Compatibility, ItemsAreCompared) {
  for (const auto& [type, key] : {std::pair{"array", "items"}, {"map", "values"}}) {
    const auto of = [&](const char* item) {
      return fmt::format(R"({{"type":"{}","{}":"{}"}})", type, key, item);
    };
    EXPECT_THAT(found(of("long"), of("int")), IsEmpty());
    EXPECT_THAT(found(of("int"), of("long")),
                ElementsAre(fmt::format("TYPE_MISMATCH at /{}", key)));
  }
}

TEST(Compatibility, RecursiveSchemasEnd) {
  const std::string list =
      record(R"({"name":"v","type":"int"},{"name":"next","type":["null","R"]})");
  const std::string wide =
      record(R"({"name":"v","type":"long"},{"name":"next","type":["null","R"]})");
  EXPECT_THAT(found(list, list), IsEmpty());
  EXPECT_THAT(found(wide, list), IsEmpty());
  EXPECT_THAT(found(list, wide), ElementsAre("TYPE_MISMATCH at /fields/0/type"));
}

// R and S name each other. While R is tried as a branch of a union, S is found to fit as long as R
// does; R does not, another branch is taken, and what is then asked of S must not rest on it.
TEST(Compatibility, WhatFitsOnlyWithAnotherIsAskedAgain) {
  const auto outer = [](const char* type, const char* more) {
    return record(fmt::format(
                      R"({{"name":"a","type":[{{"type":"record","name":"R","fields":[
                  {{"name":"s","type":{{"type":"record","name":"S","fields":[
                      {{"name":"r","type":["null","R"]}}]}}}},
                  {{"name":"x","type":"{}"}}]}}{}]}},
                {{"name":"b","type":"S"}})",
                      type, more),
                  "O");
  };
  const char* reads_all = R"(,{"type":"record","name":"Any","aliases":["R"],"fields":[]})";
  EXPECT_THAT(found(outer("int", reads_all), outer("int", "")), IsEmpty());
  EXPECT_THAT(found(outer("int", reads_all), outer("string", "")),
              ElementsAre("TYPE_MISMATCH at /fields/1/type/fields/0/type/1/fields/1/type"));
}

TEST(Compatibility, DeepAndLargeSchemasEnd) {
  const auto chain = [](const char* type, int depth) {
    std::string text = R"([{"type":"record","name":"R0","fields":[{"name":"f","type":")" +
                       std::string(type) + "\"}]}";
    for (int i = 1; i <= depth; ++i) {
      text += fmt::format(
          R"(,{{"type":"record","name":"R{}","fields":[{{"name":"f","type":"R{}"}}]}})", i, i - 1);
    }
    return text + "]";
  };
  EXPECT_THAT(found(chain("int", 100), chain("int", 100)), IsEmpty());
  EXPECT_FALSE(found(chain("int", 100), chain("string", 100)).empty());
  EXPECT_FALSE(found(chain("int", 10'000), chain("string", 10'000)).empty());
}

TEST(Compatibility, LevelsSayWhoReadsWhat) {
  const Schema older = schema_of(record(R"({"name":"x","type":"int"})"));
  const Schema with_more =
      schema_of(record(R"({"name":"x","type":"int"},{"name":"y","type":"int"})"));
  const Schema with_less = schema_of(record(""));
  const auto fits = [&](const char* level, const Schema& candidate) {
    return reasons_against(*level_named(level), candidate, older, "version 1").empty();
  };
  for (const auto& [level, more, less] : {std::tuple{"NONE", true, true},
                                          {"BACKWARD", false, true},
                                          {"backward_transitive", false, true},
                                          {"FORWARD", true, false},
                                          {"FORWARD_TRANSITIVE", true, false},
                                          {"FULL", false, false},
                                          {"FULL_TRANSITIVE", false, false}}) {
    EXPECT_EQ(fits(level, with_more), more) << level;
    EXPECT_EQ(fits(level, with_less), less) << level;
  }
  EXPECT_FALSE(level_named("SIDEWAYS"));
  const auto reasons = reasons_against(Level::forward, with_less, older, "version 1");
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_THAT(reasons[0],
              HasSubstr("version 1 cannot read what the new schema writes: "
                        "READER_FIELD_MISSING_DEFAULT_VALUE at /fields/0: the field 'x' of 'R' is "
                        "not written and has no default"));
}

}  // namespace
}  // namespace adweave::registry
