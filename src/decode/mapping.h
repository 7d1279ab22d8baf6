// SPDX-License-Identifier: Apache-2.0
// A MappingSpec made ready: every path that a rule reads is a numbered slot, so a reader fills an
// array of values and the rules look nothing up. Immutable.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/time_zone.h"
#include "decode/expression.h"
#include "decode/spec.h"
#include "decode/value.h"

namespace adweave::decode {

// The paths of nested formats as a tree, walked side by side with the record.
struct PathNode {
  std::string key;       // member of an object
  int64_t index = -1;    // or element of an array
  int slot = -1;         // a rule reads the value here
  bool explode = false;  // the array whose elements are the events
  size_t id = 0;         // below Mapping::nodes(): by it a reader keeps what it learns of the node
  std::vector<PathNode> children;

  const PathNode* find(std::string_view name) const;
  const PathNode* find(int64_t element) const;
};

struct CompiledField {
  FieldRule rule;
  event::Type type;
  TimeZone zone = TimeZone::utc();
  std::vector<int> slots = {};  // of rule.from, or of the expression's paths
  std::optional<Expression> expression = std::nullopt;  // of rule.compute
  // What most fields are, so that they are read without looking at the rule:
  bool plain = false;     // the value is that of one slot, or none
  bool bare = false;      // its words and numbers mean what they say
  bool verbatim = false;  // plain, and a text is stored as it stands if the field may have it
};

struct CompiledCondition {
  Condition condition;
  int slot;
};

struct CompiledRow {
  std::vector<CompiledCondition> when;
  std::optional<event::Kind> kind;
  std::string name;
  std::vector<CompiledField> fields;
  int64_t flags = 0;  // of each of its events
};

class Mapping {
 public:
  // `nested`: paths are of JSON or Avro; else each path is one name. Fails with config.
  static Result<Mapping> compile(const MappingSpec& spec, bool nested);

  const std::vector<CompiledRow>& rows() const { return rows_; }
  int slots() const { return static_cast<int>(paths_.size()); }
  const std::string& path(int slot) const { return paths_[static_cast<size_t>(slot)]; }
  int slot_of(std::string_view path) const;  // -1: no rule reads it
  int whole() const { return whole_; }       // slot of the whole record; -1: no rule reads it
  // Whether no rule reads anything but the whole record.
  bool only_whole() const {
    return whole_ >= 0 && slots() == 1 && explode_.empty() && !collects_unread();
  }
  const PathNode& tree() const { return tree_; }
  size_t nodes() const { return nodes_; }
  bool explodes() const { return !explode_.empty(); }
  const std::string& explode() const { return explode_; }
  Unread unread() const { return unread_; }
  // Whether readers must collect what no rule reads.
  bool collects_unread() const { return unread_ != Unread::drop; }
  // Whether the slot lies inside an element of the exploded array.
  bool of_element(int slot) const { return of_element_[static_cast<size_t>(slot)]; }

 private:
  PathNode& child_of(PathNode& node, const std::string& key, int64_t index);
  Result<int> add_path(const std::string& path, bool nested);
  Result<CompiledRow> compile_row(const RowRule& rule, bool nested);
  Result<CompiledField> compile_field(const FieldRule& rule, std::optional<event::Kind> kind,
                                      bool nested);

  std::vector<std::string> paths_;
  std::vector<bool> of_element_;
  std::vector<CompiledRow> rows_;
  PathNode tree_;
  size_t nodes_ = 1;  // in the tree
  std::string explode_;
  int whole_ = -1;
  Unread unread_ = Unread::extra;
};

}  // namespace adweave::decode
