// SPDX-License-Identifier: Apache-2.0
// YAML with places: reads maps key by key, and knows afterwards which keys nobody asked for. Inside
// app/config/ only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "app/config/config.h"

namespace adweave::app {

// Collects the problems of one file.
class Problems {
 public:
  void add(const YAML::Node& node, std::string what, std::string fix = "");
  // All of them, in the order of the file.
  std::vector<ConfigProblem> take();

 private:
  std::vector<ConfigProblem> problems_;
};

// One map of the file. Every reader takes its key; finish() reports the keys that are left.
class MapReader {
 public:
  MapReader(const YAML::Node& node, std::string what, Problems& problems);

  bool valid() const { return valid_; }
  const YAML::Node& node() const { return node_; }
  Problems& problems() { return problems_; }

  std::optional<YAML::Node> take(const std::string& key);
  std::optional<std::string> text(const std::string& key);
  std::string required_text(const std::string& key, const std::string& example);
  std::optional<bool> truth(const std::string& key);
  // A whole number; with `units`, a number followed by one of them ("30d", "8MiB").
  std::optional<int64_t> number(const std::string& key,
                                const std::map<std::string, int64_t>& units = {});
  // A scalar or a list of scalars.
  std::vector<std::string> texts(const std::string& key);
  // One of the named values.
  template <class T>
  std::optional<T> choice(const std::string& key,
                          const std::vector<std::pair<std::string, T>>& choices) {
    const auto node = take(key);
    if (!node) return std::nullopt;
    const std::string word = scalar(*node, key);
    std::vector<std::string> names;
    for (const auto& [name, value] : choices) {
      if (name == word) return value;
      names.push_back(name);
    }
    add_unknown_word(*node, key, word, names);
    return std::nullopt;
  }

  void finish();

  // Text of a scalar with ${ADWEAVE_NAME} and ${ADWEAVE_NAME:-default} replaced from the
  // environment.
  std::string scalar(const YAML::Node& node, const std::string& key);

 private:
  void add_unknown_word(const YAML::Node& node, const std::string& key, const std::string& word,
                        const std::vector<std::string>& names);

  YAML::Node node_;
  std::string what_;
  Problems& problems_;
  bool valid_;
  std::vector<std::string> known_;
};

}  // namespace adweave::app
