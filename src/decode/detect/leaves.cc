// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "decode/detect/guess_mapping.h"

namespace adweave::decode {

namespace {

constexpr int kLeafDepthMax = 5;

// Whether the path language can name the member.
bool can_be_named(std::string_view key, bool nested) {
  if (key.empty() || key == "_" || key == kWholeRecord) return false;
  return !nested || key.find_first_of(".[]") == std::string_view::npos;
}

void add_leaves(const JsonValue& value, const std::string& path, bool nested, int depth,
                size_t record, std::vector<Leaf>& leaves, std::map<std::string, size_t>& known) {
  const JsonValue::Object* object = nested || path.empty() ? value.as_object() : nullptr;
  if (object == nullptr || depth > kLeafDepthMax) {
    if (path.empty()) return;
    const auto [it, is_new] = known.try_emplace(path, leaves.size());
    if (is_new) leaves.push_back({path, {}});
    Leaf& leaf = leaves[it->second];
    leaf.values.resize(record, nullptr);
    if (leaf.values.size() == record) leaf.values.push_back(&value);
    return;
  }
  for (const auto& [key, member] : *object) {
    if (!can_be_named(key, nested)) continue;
    const std::string inner = path.empty() ? key : path + "." + key;
    add_leaves(member, inner, nested, depth + 1, record, leaves, known);
  }
}

}  // namespace

std::vector<Leaf> leaves_of(std::span<const JsonValue> records, bool nested) {
  std::vector<Leaf> leaves;
  std::map<std::string, size_t> known;
  for (size_t i = 0; i < records.size(); ++i)
    add_leaves(records[i], "", nested, 0, i, leaves, known);
  for (Leaf& leaf : leaves) leaf.values.resize(records.size(), nullptr);
  return leaves;
}

}  // namespace adweave::decode
