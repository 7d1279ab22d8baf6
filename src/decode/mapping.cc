// SPDX-License-Identifier: Apache-2.0
#include "decode/mapping.h"

#include <algorithm>
#include <charconv>

#include "decode/time_form.h"
#include "event/flags.h"

namespace adweave::decode {

namespace {

Error config_error(std::string message, std::string fix = "") {
  return {ErrorCode::config, std::move(message), std::move(fix)};
}

struct Step {
  std::string key;
  int64_t index = -1;
};

// "cur[0].name" -> cur, 0, name. Null when the path is malformed.
std::optional<std::vector<Step>> split_path(std::string_view path) {
  std::vector<Step> steps;
  while (!path.empty()) {
    if (path.front() == '[') {
      const size_t close = path.find(']');
      int64_t index = -1;
      if (close == std::string_view::npos) return std::nullopt;
      const auto [end, error] = std::from_chars(path.data() + 1, path.data() + close, index);
      if (error != std::errc() || end != path.data() + close || index < 0) return std::nullopt;
      steps.push_back({"", index});
      path.remove_prefix(close + 1);
    } else {
      const size_t end = std::min(path.find_first_of(".["), path.size());
      if (end == 0) return std::nullopt;
      steps.push_back({std::string(path.substr(0, end)), -1});
      path.remove_prefix(end);
    }
    if (path.starts_with('.')) {
      path.remove_prefix(1);
      if (path.empty()) return std::nullopt;
    }
  }
  if (steps.empty()) return std::nullopt;
  return steps;
}

}  // namespace

const PathNode* PathNode::find(std::string_view name) const {
  for (const PathNode& child : children) {
    if (child.index < 0 && child.key == name) return &child;
  }
  return nullptr;
}

const PathNode* PathNode::find(int64_t element) const {
  for (const PathNode& child : children) {
    if (child.index == element) return &child;
  }
  return nullptr;
}

Result<Mapping> Mapping::compile(const MappingSpec& spec, bool nested) {
  Mapping mapping;
  mapping.unread_ = spec.unread;
  mapping.explode_ = spec.explode;
  if (!spec.explode.empty()) {
    const auto steps = split_path(spec.explode);
    if (!nested || !steps)
      return config_error("explode: '" + spec.explode + "' is no path of an array");
    PathNode* node = &mapping.tree_;
    for (const Step& step : *steps) node = &mapping.child_of(*node, step.key, step.index);
    node->explode = true;
  }
  if (spec.rows.empty())
    return config_error("the mapping has no rows", "say what kind of event a record is");
  for (const RowRule& rule : spec.rows) {
    ADWEAVE_ASSIGN(CompiledRow row, mapping.compile_row(rule, nested));
    mapping.rows_.push_back(std::move(row));
  }
  return mapping;
}

// The child for a step of a path, added when it is new.
PathNode& Mapping::child_of(PathNode& node, const std::string& key, int64_t index) {
  for (PathNode& child : node.children) {
    if (child.key == key && child.index == index) return child;
  }
  PathNode& child = node.children.emplace_back();
  child.key = key;
  child.index = index;
  child.id = nodes_++;
  return child;
}

int Mapping::slot_of(std::string_view path) const {
  const auto it = std::find(paths_.begin(), paths_.end(), path);
  return it == paths_.end() ? -1 : static_cast<int>(it - paths_.begin());
}

Result<int> Mapping::add_path(const std::string& path, bool nested) {
  if (const int known = slot_of(path); known >= 0) return known;
  const int slot = slots();
  if (path == kWholeRecord) {
    whole_ = slot;
    of_element_.push_back(false);
  } else if (nested) {
    const auto steps = split_path(path);
    if (!steps)
      return config_error("'" + path + "' is no path", "write a path as user.id or cur[0]");
    PathNode* node = &tree_;
    bool of_element = false;
    for (const Step& step : *steps) {
      node = &child_of(*node, step.key, step.index);
      of_element = of_element || (node->explode && &step != &steps->back());
    }
    node->slot = slot;
    of_element_.push_back(of_element);
  } else {
    of_element_.push_back(false);
  }
  paths_.push_back(path);
  return slot;
}

Result<CompiledRow> Mapping::compile_row(const RowRule& rule, bool nested) {
  CompiledRow row{{}, rule.kind, rule.name, {}, 0};
  for (const Condition& condition : rule.when) {
    ADWEAVE_ASSIGN(const int slot, add_path(condition.path, nested));
    row.when.push_back({condition, slot});
  }
  for (const FieldRule& field : rule.fields) {
    ADWEAVE_ASSIGN(CompiledField compiled, compile_field(field, rule.kind, nested));
    const bool twice =
        std::any_of(row.fields.begin(), row.fields.end(),
                    [&](const CompiledField& f) { return f.rule.field == field.field; });
    if (twice)
      return config_error("field " + std::string(event::info(field.field).name) +
                          " is mapped twice");
    if (field.from_receipt) row.flags |= event::kTimeFromReceipt;
    row.fields.push_back(std::move(compiled));
  }
  return row;
}

Result<CompiledField> Mapping::compile_field(const FieldRule& rule, std::optional<event::Kind> kind,
                                             bool nested) {
  const event::FieldInfo& info = event::info(rule.field);
  const std::string name(info.name);
  if (info.origin != event::Origin::Mapped)
    return config_error("field " + name + " is not filled by a mapping");
  if (kind && !info.in(*kind)) {
    return config_error("an event of kind " + std::string(event::kind_name(*kind)) +
                        " has no field " + name);
  }
  CompiledField field{rule, info.type};
  ADWEAVE_ASSIGN(field.zone, TimeZone::find(rule.zone));
  for (const TimeForm& form : rule.times) {
    if (form.kind != TimeForm::Kind::pattern) continue;
    if (const auto problem = check_pattern(form.pattern)) {
      return config_error("field " + name + ": time '" + form.pattern + "': " + *problem);
    }
  }
  if (rule.field == event::Field::extra && unread_ == Unread::extra)
    return config_error("field extra is filled with what no rule reads", "write unread: drop");
  if (rule.from_receipt && rule.field != event::Field::event_time) {
    return config_error("field " + name + ": only event_time can be taken from receipt");
  }
  if (field.rule.times.empty()) field.rule.times.push_back({});
  std::vector<std::string> paths = rule.from;
  if (rule.compute) {
    Result<Expression> expression = Expression::compile(*rule.compute);
    if (!expression) return std::move(expression).error().within("field " + name);
    paths = expression->paths();
    field.expression = std::move(*expression);
  }
  for (const std::string& path : paths) {
    ADWEAVE_ASSIGN(const int slot, add_path(path, nested));
    field.slots.push_back(slot);
  }
  field.plain = field.slots.size() == 1 && !rule.constant && !rule.compute && !rule.join &&
                !rule.fallback && !rule.from_receipt && rule.nulls.empty();
  field.bare = rule.values.empty() && rule.decimal == '.' && !rule.thousands;
  const bool is_text = info.type == event::Type::Str || info.type == event::Type::Dict ||
                       info.type == event::Type::Id;
  field.verbatim = field.plain && field.bare && is_text && rule.transform == Transform::none;
  return field;
}

}  // namespace adweave::decode
