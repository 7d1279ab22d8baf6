// SPDX-License-Identifier: Apache-2.0
#include "app/config/yaml_reader.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "query/report.h"

namespace adweave::app {

namespace {

constexpr std::string_view kEnvironmentPrefix = "ADWEAVE_";

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  const std::string meant = query::closest_name(word, known);
  if (!meant.empty()) return "did you mean '" + meant + "'?";
  std::string list;
  for (const std::string& name : known) list += (list.empty() ? "known: " : ", ") + name;
  return list;
}

}  // namespace

void Problems::add(const YAML::Node& node, std::string what, std::string fix) {
  const YAML::Mark mark = node.Mark();
  problems_.push_back({mark.line + 1, mark.column + 1, std::move(what), std::move(fix)});
}

std::vector<ConfigProblem> Problems::take() {
  std::stable_sort(problems_.begin(), problems_.end(), [](const auto& a, const auto& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  return std::move(problems_);
}

MapReader::MapReader(const YAML::Node& node, std::string what, Problems& problems)
    : node_(node), what_(std::move(what)), problems_(problems), valid_(node_.IsMap()) {
  if (!valid_) problems_.add(node_, what_ + " must be a map of keys and values");
}

std::optional<YAML::Node> MapReader::take(const std::string& key) {
  known_.push_back(key);
  if (!valid_) return std::nullopt;
  YAML::Node value = node_[key];
  if (!value.IsDefined() || value.IsNull()) return std::nullopt;
  return value;
}

std::string MapReader::scalar(const YAML::Node& node, const std::string& key) {
  if (!node.IsScalar()) {
    problems_.add(node, key + " must be a single value");
    return {};
  }
  std::string text = node.Scalar();
  for (size_t at = text.find("${" + std::string(kEnvironmentPrefix)); at != std::string::npos;
       at = text.find("${" + std::string(kEnvironmentPrefix), at)) {
    const size_t close = text.find('}', at);
    if (close == std::string::npos) break;
    const std::string inner = text.substr(at + 2, close - at - 2);
    const size_t fallback = inner.find(":-");
    const char* value = std::getenv(inner.substr(0, fallback).c_str());
    if (value == nullptr && fallback == std::string::npos) {
      problems_.add(node, "the environment variable " + inner + " is not set",
                    "set it, or give a default: ${" + inner + ":-value}");
      return {};
    }
    const std::string replaced = value != nullptr ? value : inner.substr(fallback + 2);
    text.replace(at, close - at + 1, replaced);
    at += replaced.size();
  }
  return text;
}

std::optional<std::string> MapReader::text(const std::string& key) {
  const auto node = take(key);
  if (!node) return std::nullopt;
  return scalar(*node, key);
}

std::string MapReader::required_text(const std::string& key, const std::string& example) {
  auto value = text(key);
  if (valid_ && (!value || value->empty()))
    problems_.add(node_, what_ + " has no " + key, "write " + key + ": " + example);
  return value.value_or("");
}

std::optional<bool> MapReader::truth(const std::string& key) {
  const auto node = take(key);
  if (!node) return std::nullopt;
  bool value = false;
  if (node->IsScalar() && YAML::convert<bool>::decode(*node, value)) return value;
  problems_.add(*node, key + " must be true or false");
  return std::nullopt;
}

std::optional<int64_t> MapReader::number(const std::string& key,
                                         const std::map<std::string, int64_t>& units) {
  const auto node = take(key);
  if (!node) return std::nullopt;
  const std::string word = scalar(*node, key);
  int64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  const std::string unit(end, static_cast<size_t>(word.data() + word.size() - end));
  const auto it = units.find(unit);
  int64_t result = 0;
  const bool known = unit.empty() || it != units.end();
  const bool fits = error == std::errc() && number > 0 && known &&
                    !__builtin_mul_overflow(number, unit.empty() ? 1 : it->second, &result);
  if (fits) return result;
  std::string names;
  for (const auto& [name, factor] : units)
    names += (names.empty() ? ", or one with a unit: " : " ") + name;
  problems_.add(*node, key + " '" + word + "' is no number",
                "write a whole number above 0" + names);
  return std::nullopt;
}

std::vector<std::string> MapReader::texts(const std::string& key) {
  const auto node = take(key);
  if (!node) return {};
  if (!node->IsSequence()) return {scalar(*node, key)};
  std::vector<std::string> values;
  for (const YAML::Node& item : *node) values.push_back(scalar(item, key));
  return values;
}

void MapReader::add_unknown_word(const YAML::Node& node, const std::string& key,
                                 const std::string& word, const std::vector<std::string>& names) {
  problems_.add(node, key + " '" + word + "' is not known", did_you_mean(word, names));
}

void MapReader::finish() {
  if (!valid_) return;
  std::set<std::string> seen;
  for (const auto& item : node_) {
    const std::string key = item.first.Scalar();
    if (!seen.insert(key).second) problems_.add(item.first, "key '" + key + "' is there twice");
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    problems_.add(item.first, "unknown key '" + key + "' in " + what_, did_you_mean(key, known_));
  }
}

}  // namespace adweave::app
