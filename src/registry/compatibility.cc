// SPDX-License-Identifier: Apache-2.0
#include "registry/compatibility.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/limits.h"

namespace adweave::registry {

namespace {

using decode::AvroField;
using decode::AvroNode;
using decode::AvroType;

constexpr std::array<std::pair<std::string_view, Level>, 7> kLevels = {{
    {"NONE", Level::none},
    {"BACKWARD", Level::backward},
    {"BACKWARD_TRANSITIVE", Level::backward_transitive},
    {"FORWARD", Level::forward},
    {"FORWARD_TRANSITIVE", Level::forward_transitive},
    {"FULL", Level::full},
    {"FULL_TRANSITIVE", Level::full_transitive},
}};

constexpr std::array<std::string_view, 14> kTypeNames = {
    "null",   "boolean", "int",  "long",  "float", "double", "bytes",
    "string", "record",  "enum", "array", "map",   "fixed",  "union"};

std::string_view type_name(AvroType type) {
  return kTypeNames[static_cast<size_t>(type)];
}

// "the record 'ads.Click'", "int"
std::string describe(const AvroNode& node) {
  const std::string type(type_name(node.type));
  return node.name.empty() ? type : "the " + type + " '" + node.name + "'";
}

std::string_view last_part(std::string_view name) {
  return name.substr(name.rfind('.') + 1);
}

bool is_same_name(const AvroNode& reader, const AvroNode& writer) {
  return last_part(reader.name) == last_part(writer.name) ||
         std::find(reader.aliases.begin(), reader.aliases.end(), writer.name) !=
             reader.aliases.end();
}

// A number is read as a wider one; bytes and strings as each other.
bool is_promoted(AvroType writer, AvroType reader) {
  const auto is_number = [](AvroType type) {
    return type >= AvroType::int_type && type <= AvroType::double_type;
  };
  const auto is_text = [](AvroType type) {
    return type == AvroType::bytes || type == AvroType::string;
  };
  return (is_number(writer) && is_number(reader) && writer < reader) ||
         (is_text(writer) && is_text(reader));
}

// The field of the writer that the reader's field is read from: of its name, else of an alias.
const AvroField* written_field(const AvroNode& writer, const AvroField& wanted) {
  const auto find = [&](const std::string& name) -> const AvroField* {
    const auto it = std::find_if(writer.fields.begin(), writer.fields.end(),
                                 [&](const AvroField& field) { return field.name == name; });
    return it == writer.fields.end() ? nullptr : &*it;
  };
  if (const AvroField* field = find(wanted.name)) return field;
  for (const std::string& alias : wanted.aliases) {
    if (const AvroField* field = find(alias)) return field;
  }
  return nullptr;
}

// Compares two schemas, pair by pair of their types.
//
// 1. A pair that is being compared fits: that is what makes recursive schemas end.
// 2. What was found to fit while a pair was being compared may rest on that. So when the pair turns
//    out not to fit, all that was found since it began is forgotten.
class Checker {
 public:
  std::vector<Misfit> check(const AvroNode& reader, const AvroNode& writer) {
    fits(reader, writer, "", true);
    return std::move(found_);
  }

 private:
  using Pair = std::pair<const AvroNode*, const AvroNode*>;

  // `tells`: what does not fit is added to found_.
  bool fits(const AvroNode& reader, const AvroNode& writer, const std::string& path, bool tells) {
    const Pair pair(&reader, &writer);
    if (fitting_.contains(pair)) return true;
    if (const auto it = unfitting_.find(pair); it != unfitting_.end() && (it->second || !tells))
      return false;
    if (++steps_ > limits::kRegistryStepsMax || depth_ == limits::kRegistryDepthMax) {
      misfit(tells, "TOO_COMPLEX", path,
             "the schemas are too complex to be compared: types within types over " +
                 std::to_string(limits::kRegistryDepthMax) + " deep, or too many of them");
      return false;
    }
    const size_t begin = trail_.size();
    fitting_.insert(pair);
    trail_.push_back(pair);
    ++depth_;
    const bool fit = compare(reader, writer, path, tells);
    --depth_;
    if (fit) return true;
    for (; trail_.size() > begin; trail_.pop_back()) fitting_.erase(trail_.back());
    unfitting_[pair] = tells;
    return false;
  }

  bool compare(const AvroNode& reader, const AvroNode& writer, const std::string& path,
               bool tells) {
    if (writer.type == AvroType::union_type)
      return compare_written_union(reader, writer, path, tells);
    if (reader.type == AvroType::union_type) return compare_branches(reader, writer, path, tells);
    if (reader.type != writer.type) {
      return is_promoted(writer.type, reader.type) ||
             misfit(
                 tells, "TYPE_MISMATCH", path,
                 fmt::format("{} is written and {} is wanted", describe(writer), describe(reader)));
    }
    bool fit = true;
    if (!reader.name.empty() && !is_same_name(reader, writer)) {
      fit = misfit(tells, "NAME_MISMATCH", path + "/name",
                   fmt::format("'{}' is written and '{}' is wanted; an alias would make them one",
                               writer.name, reader.name));
    }
    switch (reader.type) {
      case AvroType::array:
        return fits(*reader.items[0], *writer.items[0], path + "/items", tells) && fit;
      case AvroType::map:
        return fits(*reader.items[0], *writer.items[0], path + "/values", tells) && fit;
      case AvroType::fixed:
        return compare_sizes(reader, writer, path, tells) && fit;
      case AvroType::enumeration:
        return compare_symbols(reader, writer, path, tells) && fit;
      case AvroType::record:
        return compare_fields(reader, writer, path, tells) && fit;
      default:
        return fit;
    }
  }

  // Any branch may have been written, so each must be readable.
  bool compare_written_union(const AvroNode& reader, const AvroNode& writer,
                             const std::string& path, bool tells) {
    bool fit = true;
    for (const AvroNode* branch : writer.items) fit = fits(reader, *branch, path, tells) && fit;
    return fit;
  }

  bool compare_branches(const AvroNode& reader, const AvroNode& writer, const std::string& path,
                        bool tells) {
    size_t nearest = reader.items.size();  // the branch that is meant, but does not fit
    for (size_t i = 0; i < reader.items.size(); ++i) {
      const AvroNode& branch = *reader.items[i];
      if (fits(branch, writer, path, false)) return true;
      if (branch.type == writer.type && (branch.name.empty() || is_same_name(branch, writer)))
        nearest = i;
    }
    if (nearest == reader.items.size()) {
      return misfit(tells, "MISSING_UNION_BRANCH", path,
                    describe(writer) + " is written and no branch of the union reads it");
    }
    if (tells) fits(*reader.items[nearest], writer, path + "/" + std::to_string(nearest), true);
    return false;
  }

  bool compare_sizes(const AvroNode& reader, const AvroNode& writer, const std::string& path,
                     bool tells) {
    return reader.size == writer.size ||
           misfit(tells, "FIXED_SIZE_MISMATCH", path + "/size",
                  fmt::format("{} bytes of '{}' are written and {} are wanted", writer.size,
                              reader.name, reader.size));
  }

  bool compare_symbols(const AvroNode& reader, const AvroNode& writer, const std::string& path,
                       bool tells) {
    if (reader.symbol) return true;  // stands for those that it does not know
    std::string missing;
    for (const std::string& symbol : writer.symbols) {
      if (std::find(reader.symbols.begin(), reader.symbols.end(), symbol) == reader.symbols.end())
        missing += (missing.empty() ? "'" : ", '") + symbol + "'";
    }
    return missing.empty() ||
           misfit(tells, "MISSING_ENUM_SYMBOLS", path + "/symbols",
                  fmt::format("{} of '{}' may be written and the reader knows neither it nor a "
                              "default",
                              missing, writer.name));
  }

  bool compare_fields(const AvroNode& reader, const AvroNode& writer, const std::string& path,
                      bool tells) {
    bool fit = true;
    for (size_t i = 0; i < reader.fields.size(); ++i) {
      const AvroField& wanted = reader.fields[i];
      const std::string place = path + "/fields/" + std::to_string(i);
      if (const AvroField* written = written_field(writer, wanted)) {
        fit = fits(*wanted.type, *written->type, place + "/type", tells) && fit;
      } else if (!wanted.fallback) {
        fit = misfit(tells, "READER_FIELD_MISSING_DEFAULT_VALUE", place,
                     fmt::format("the field '{}' of '{}' is not written and has no default",
                                 wanted.name, reader.name));
      }
    }
    return fit;
  }

  bool misfit(bool tells, const char* kind, const std::string& path, std::string what) {
    if (tells && found_.size() < limits::kRegistryReasonsMax)
      found_.push_back({kind, path.empty() ? "/" : path, std::move(what)});
    return false;
  }

  std::set<Pair> fitting_;
  std::map<Pair, bool> unfitting_;  // whether that has been told
  std::vector<Pair> trail_;         // of fitting_, in the order of their beginning
  std::vector<Misfit> found_;
  int64_t steps_ = 0;
  int depth_ = 0;
};

void append_reasons(const Schema& reader, const Schema& writer, const std::string& reader_name,
                    const std::string& writer_name, std::vector<std::string>& reasons) {
  for (const Misfit& misfit : misfits(reader, writer)) {
    reasons.push_back(fmt::format("{} cannot read what {} writes: {} at {}: {}", reader_name,
                                  writer_name, misfit.kind, misfit.path, misfit.what));
  }
}

}  // namespace

std::optional<Level> level_named(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  for (const auto& [known, level] : kLevels) {
    if (known == upper) return level;
  }
  return std::nullopt;
}

std::string name_of(Level level) {
  return std::string(kLevels[static_cast<size_t>(level)].first);
}

bool is_transitive(Level level) {
  return level == Level::backward_transitive || level == Level::forward_transitive ||
         level == Level::full_transitive;
}

std::vector<Misfit> misfits(const Schema& reader, const Schema& writer) {
  return Checker().check(reader.root(), writer.root());
}

std::vector<std::string> reasons_against(Level level, const Schema& candidate, const Schema& older,
                                         const std::string& older_name) {
  std::vector<std::string> reasons;
  const bool is_full = level == Level::full || level == Level::full_transitive;
  if (is_full || level == Level::backward || level == Level::backward_transitive)
    append_reasons(candidate, older, "the new schema", older_name, reasons);
  if (is_full || level == Level::forward || level == Level::forward_transitive)
    append_reasons(older, candidate, older_name, "the new schema", reasons);
  return reasons;
}

}  // namespace adweave::registry
