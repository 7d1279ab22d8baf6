// SPDX-License-Identifier: Apache-2.0
#include "registry/registry.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "registry/refusals.h"

namespace adweave::registry {

Result<std::unique_ptr<Registry>> Registry::open(FileSystem& fs, const std::string& dir,
                                                 ChangeLog::CheckLock check_lock) {
  std::unique_ptr<Registry> registry(new Registry());
  const auto apply = [&](const Change& change) { return registry->subjects_.apply(change); };
  ADWEAVE_ASSIGN(registry->log_, ChangeLog::open(fs, dir, apply, std::move(check_lock)));
  return registry;
}

// On disk, then in memory: nobody is told what is not durable.
std::optional<Refusal> Registry::make(const Change& change) {
  if (const Status kept = log_->append(change); !kept)
    return Refusal{Refusal::store, kept.error().message + "; " + kept.error().fix};
  const Status applied = subjects_.apply(change);
  CHECK(applied);
  return std::nullopt;
}

Level Registry::level_of(const std::string& subject) const {
  const Subject* known = subjects_.find(subject);
  if (known != nullptr && known->level) return *known->level;
  return subjects_.level().value_or(Level::backward);
}

Mode Registry::mode_of(const std::string& subject) const {
  const Mode global = subjects_.mode().value_or(Mode::read_write);
  const Subject* known = subjects_.find(subject);
  if (global == Mode::read_only_override || known == nullptr || !known->mode) return global;
  return *known->mode;
}

std::optional<Refusal> Registry::refuse_write(const std::string& subject) const {
  const Mode mode = mode_of(subject);
  if (mode != Mode::read_only && mode != Mode::read_only_override) return std::nullopt;
  return Refusal{Refusal::not_permitted,
                 fmt::format("{} is in the mode {}",
                             subject.empty() ? "The registry" : "The subject '" + subject + "'",
                             name_of(mode))};
}

std::variant<const Subject*, Refusal> Registry::find(const std::string& subject,
                                                     bool with_deleted) const {
  const Subject* known = subjects_.find(subject);
  if (known == nullptr || !known->has_versions(with_deleted)) return no_subject(subject);
  return known;
}

FoundVersion Registry::found(const std::string& subject, int64_t number, int64_t id) const {
  return {subject, number, id, *subjects_.schema(id)};
}

std::optional<int64_t> Registry::find_same(const std::string& subject, const std::string& identity,
                                           bool with_deleted) const {
  const Subject* known = subjects_.find(subject);
  if (known == nullptr) return std::nullopt;
  for (auto it = known->versions.rbegin(); it != known->versions.rend(); ++it) {
    if ((with_deleted || !it->second.is_deleted) && subjects_.is_same(it->second.id, identity))
      return it->first;
  }
  return std::nullopt;
}

Answer<int64_t> Registry::add(const std::string& subject, const Candidate& candidate) {
  if (auto refusal = refuse_name(subject)) return *std::move(refusal);
  const Result<Schema> schema = Schema::parse(candidate.schema);
  if (!schema) return no_schema(schema.error());
  const std::lock_guard guard(mutex_);
  if (auto refusal = refuse_write(subject)) return *std::move(refusal);
  const Mode mode = mode_of(subject);
  if (candidate.id != 0 || mode == Mode::import) return import(subject, candidate, *schema);

  const Subject* known = subjects_.find(subject);
  const auto same = find_same(subject, schema->identity(), false);
  if (same && (candidate.version == 0 || candidate.version == *same))
    return known->versions.at(*same).id;
  const int64_t next =
      known == nullptr || known->versions.empty() ? 1 : known->versions.rbegin()->first + 1;
  if (candidate.version != 0 && candidate.version != next) {
    return Refusal{Refusal::invalid_schema, fmt::format("The next version of '{}' is {}, not {}",
                                                        subject, next, candidate.version)};
  }
  const std::vector<std::string> misfits = reasons(subject, *schema, std::nullopt);
  if (!misfits.empty()) return does_not_fit(subject, name_of(level_of(subject)), misfits);
  Change change{.subject = subject, .version = next};
  if (const auto id = subjects_.id_of(schema->identity())) {
    change.id = *id;
  } else {
    change.id = subjects_.id_max() + 1;
    change.schema = candidate.schema;
  }
  if (std::max(change.id, next) > limits::kRegistryNumberMax)
    return Refusal{Refusal::store, "There are no more ids or versions"};
  if (auto refusal = make(change)) return *std::move(refusal);
  return change.id;
}

Answer<int64_t> Registry::import(const std::string& subject, const Candidate& candidate,
                                 const Schema& schema) {
  if (mode_of(subject) != Mode::import || candidate.id == 0) {
    return Refusal{
        Refusal::not_permitted,
        fmt::format("The subject '{}' is {}in the mode IMPORT, and the schema has {}id", subject,
                    candidate.id == 0 ? "" : "not ", candidate.id == 0 ? "no " : "an ")};
  }
  const bool is_known = subjects_.schema(candidate.id) != nullptr;
  if (is_known && !subjects_.is_same(candidate.id, schema.identity())) {
    return Refusal{Refusal::other_id, fmt::format("The id {} is another schema's", candidate.id)};
  }
  Change change{.subject = subject, .version = candidate.version, .id = candidate.id};
  if (!is_known) change.schema = candidate.schema;
  const Subject* known = subjects_.find(subject);
  if (known != nullptr) {
    const auto there = known->versions.find(candidate.version);
    if (there != known->versions.end()) {
      if (there->second.id == candidate.id && !there->second.is_deleted) return candidate.id;
      return Refusal{Refusal::not_permitted, fmt::format("The version {} of '{}' is there already",
                                                         candidate.version, subject)};
    }
  }
  if (change.version == 0) {
    change.version =
        known == nullptr || known->versions.empty() ? 1 : known->versions.rbegin()->first + 1;
  }
  if (auto refusal = make(change)) return *std::move(refusal);
  return change.id;
}

std::vector<std::string> Registry::reasons(const std::string& subject, const Schema& schema,
                                           std::optional<int64_t> version) const {
  const Level level = level_of(subject);
  const Subject* known = subjects_.find(subject);
  std::vector<std::string> all;
  if (level == Level::none || known == nullptr) return all;
  for (auto it = known->versions.rbegin(); it != known->versions.rend(); ++it) {
    if (it->second.is_deleted || (version && *version != it->first)) continue;
    const std::string name = fmt::format("version {}", it->first);
    const Result<Schema> older = Schema::parse(*subjects_.schema(it->second.id));
    if (!older) {
      all.push_back(name + " cannot be compared: " + older.error().message);
    } else {
      for (std::string& reason : reasons_against(level, schema, *older, name))
        all.push_back(std::move(reason));
    }
    if (!is_transitive(level) || all.size() >= limits::kRegistryReasonsMax) break;
  }
  return all;
}

Answer<FoundVersion> Registry::look_up(const std::string& subject, const std::string& text,
                                       bool with_deleted) const {
  const Result<Schema> schema = Schema::parse(text);
  const std::lock_guard guard(mutex_);
  const auto known = find(subject, with_deleted);
  if (const auto* refusal = std::get_if<Refusal>(&known)) return *refusal;
  if (!schema) return no_schema(schema.error());
  const auto number = find_same(subject, schema->identity(), with_deleted);
  if (!number) return Refusal{Refusal::schema_not_found, "Schema not found"};
  return found(subject, *number, std::get<const Subject*>(known)->versions.at(*number).id);
}

Answer<std::vector<std::string>> Registry::check(const std::string& subject,
                                                 const std::string& text,
                                                 std::optional<int64_t> version) const {
  const Result<Schema> schema = Schema::parse(text);
  if (!schema) return no_schema(schema.error());
  const std::lock_guard guard(mutex_);
  const Subject* known = subjects_.find(subject);
  if (version && *version != kLatest) {
    if (known == nullptr || !known->has_versions(false)) return no_subject(subject);
    const auto it = known->versions.find(*version);
    if (it == known->versions.end() || it->second.is_deleted) return no_version(*version);
  }
  if (version == kLatest && known != nullptr) {
    for (const auto& [number, there] : known->versions) {
      if (!there.is_deleted) version = number;
    }
  }
  return reasons(subject, *schema, version);
}

}  // namespace adweave::registry
