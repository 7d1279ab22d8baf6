// SPDX-License-Identifier: Apache-2.0
// What a registry tells, and what is set and deleted in it.
#include <algorithm>

#include "registry/refusals.h"

namespace adweave::registry {

std::vector<std::string> Registry::subjects(Deleted deleted, const std::string& prefix) const {
  const std::lock_guard guard(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, subject] : subjects_.all()) {
    if (!name.starts_with(prefix)) continue;
    const bool is_there = subject.has_versions(false);
    const bool was_there = !is_there && subject.has_versions(true);
    if ((is_there && deleted != Deleted::only) || (was_there && deleted != Deleted::without))
      names.push_back(name);
  }
  return names;
}

Answer<std::vector<int64_t>> Registry::versions(const std::string& subject, Deleted deleted) const {
  const std::lock_guard guard(mutex_);
  const auto known = find(subject, deleted != Deleted::without);
  if (const auto* refusal = std::get_if<Refusal>(&known)) return *refusal;
  std::vector<int64_t> numbers;
  for (const auto& [number, version] : std::get<const Subject*>(known)->versions) {
    if (version.is_deleted ? deleted != Deleted::without : deleted != Deleted::only)
      numbers.push_back(number);
  }
  return numbers;
}

Answer<FoundVersion> Registry::version(const std::string& subject, int64_t version,
                                       bool with_deleted) const {
  const std::lock_guard guard(mutex_);
  const auto known = find(subject, with_deleted);
  if (const auto* refusal = std::get_if<Refusal>(&known)) return *refusal;
  const auto& versions = std::get<const Subject*>(known)->versions;
  for (auto it = versions.rbegin(); it != versions.rend(); ++it) {
    if (it->second.is_deleted && !with_deleted) continue;
    if (version == kLatest || version == it->first) return found(subject, it->first, it->second.id);
  }
  return no_version(version);
}

Answer<std::string> Registry::schema(int64_t id) const {
  const std::lock_guard guard(mutex_);
  if (!subjects_.is_used(id))
    return Refusal{Refusal::schema_not_found, fmt::format("Schema {} not found", id)};
  return *subjects_.schema(id);
}

std::optional<std::string> Registry::text_of(int64_t id) const {
  const std::lock_guard guard(mutex_);
  const std::string* text = subjects_.schema(id);
  return text == nullptr ? std::nullopt : std::optional(*text);
}

Answer<std::vector<FoundVersion>> Registry::versions_of(int64_t id, bool with_deleted) const {
  const std::lock_guard guard(mutex_);
  if (!subjects_.is_used(id))
    return Refusal{Refusal::schema_not_found, fmt::format("Schema {} not found", id)};
  std::vector<FoundVersion> all;
  for (const auto& [name, subject] : subjects_.all()) {
    for (const auto& [number, version] : subject.versions) {
      if (version.id == id && (with_deleted || !version.is_deleted))
        all.push_back({name, number, id, {}});
    }
  }
  return all;
}

Answer<std::vector<int64_t>> Registry::delete_subject(const std::string& subject,
                                                      bool is_permanent) {
  const std::lock_guard guard(mutex_);
  if (auto refusal = refuse_write(subject)) return *std::move(refusal);
  const auto known = find(subject, true);
  if (const auto* refusal = std::get_if<Refusal>(&known)) return *refusal;
  const Subject& there = *std::get<const Subject*>(known);
  if (there.has_versions(false) == is_permanent) {
    return is_permanent ? Refusal{Refusal::subject_is_not_deleted,
                                  fmt::format("Subject '{}' was not deleted first before being "
                                              "permanently deleted",
                                              subject)}
                        : Refusal{Refusal::subject_is_deleted,
                                  fmt::format("Subject '{}' was soft deleted. Set permanent=true "
                                              "to delete permanently",
                                              subject)};
  }
  std::vector<int64_t> numbers;
  for (const auto& [number, version] : there.versions) {
    if (is_permanent || !version.is_deleted) numbers.push_back(number);
  }
  if (auto refusal = make(
          {.kind = ChangeKind::delete_subject, .subject = subject, .is_permanent = is_permanent})) {
    return *std::move(refusal);
  }
  return numbers;
}

Answer<int64_t> Registry::delete_version(const std::string& subject, int64_t version,
                                         bool is_permanent) {
  const std::lock_guard guard(mutex_);
  if (auto refusal = refuse_write(subject)) return *std::move(refusal);
  const auto known = find(subject, true);
  if (const auto* refusal = std::get_if<Refusal>(&known)) return *refusal;
  const auto& versions = std::get<const Subject*>(known)->versions;
  auto it = versions.find(version);
  if (version == kLatest) {  // of those that can be deleted so
    for (it = versions.end(); it != versions.begin();) {
      if ((--it)->second.is_deleted == is_permanent) break;
    }
  }
  if (it == versions.end()) return no_version(version);
  if (it->second.is_deleted != is_permanent) {
    return is_permanent
               ? Refusal{Refusal::version_is_not_deleted,
                         fmt::format("Subject '{}' Version {} was not deleted first before being "
                                     "permanently deleted",
                                     subject, it->first)}
               : Refusal{Refusal::version_is_deleted,
                         fmt::format("Subject '{}' Version {} was soft deleted. Set "
                                     "permanent=true to delete permanently",
                                     subject, it->first)};
  }
  const int64_t number = it->first;
  if (auto refusal = make({.kind = ChangeKind::delete_version,
                           .subject = subject,
                           .version = number,
                           .is_permanent = is_permanent})) {
    return *std::move(refusal);
  }
  return number;
}

Answer<Level> Registry::level(const std::optional<std::string>& subject, bool or_global) const {
  const std::lock_guard guard(mutex_);
  if (!subject) return subjects_.level().value_or(Level::backward);
  const Subject* known = subjects_.find(*subject);
  if (known != nullptr && known->level) return *known->level;
  if (or_global) return level_of(*subject);
  return Refusal{
      Refusal::no_level,
      fmt::format("Subject '{}' does not have subject-level compatibility configured", *subject)};
}

Answer<Level> Registry::set_level(const std::optional<std::string>& subject, Level level) {
  if (subject) {
    if (auto refusal = refuse_name(*subject)) return *std::move(refusal);
  }
  const std::lock_guard guard(mutex_);
  if (auto refusal = refuse_write(subject.value_or(""))) return *std::move(refusal);
  if (auto refusal =
          make({.kind = ChangeKind::set_level, .subject = subject, .value = name_of(level)})) {
    return *std::move(refusal);
  }
  return level;
}

Answer<Level> Registry::reset_level(const std::optional<std::string>& subject) {
  const std::lock_guard guard(mutex_);
  if (auto refusal = refuse_write(subject.value_or(""))) return *std::move(refusal);
  const Subject* known = subject ? subjects_.find(*subject) : nullptr;
  if (subject && (known == nullptr || !known->level)) return no_subject(*subject);
  const Level before = subject ? *known->level : subjects_.level().value_or(Level::backward);
  if (auto refusal = make({.kind = ChangeKind::set_level, .subject = subject}))
    return *std::move(refusal);
  return before;
}

Answer<Mode> Registry::mode(const std::optional<std::string>& subject, bool or_global) const {
  const std::lock_guard guard(mutex_);
  if (!subject) return subjects_.mode().value_or(Mode::read_write);
  const Subject* known = subjects_.find(*subject);
  if (or_global) return mode_of(*subject);
  if (known != nullptr && known->mode) return *known->mode;
  return Refusal{Refusal::no_mode, fmt::format("Subject '{}' does not have subject-level mode "
                                               "configured",
                                               *subject)};
}

Answer<Mode> Registry::set_mode(const std::optional<std::string>& subject, Mode mode,
                                bool is_forced) {
  if (subject) {
    if (auto refusal = refuse_name(*subject)) return *std::move(refusal);
  }
  const std::lock_guard guard(mutex_);
  if (mode == Mode::import && !is_forced) {
    const bool has_versions =
        subject
            ? subjects_.find(*subject) != nullptr && subjects_.find(*subject)->has_versions(false)
            : std::any_of(subjects_.all().begin(), subjects_.all().end(),
                          [](const auto& item) { return item.second.has_versions(false); });
    if (has_versions) {
      return Refusal{Refusal::not_permitted,
                     "Cannot import since there are versions already; force=true goes on anyway"};
    }
  }
  if (auto refusal =
          make({.kind = ChangeKind::set_mode, .subject = subject, .value = name_of(mode)})) {
    return *std::move(refusal);
  }
  return mode;
}

Answer<Mode> Registry::reset_mode(const std::optional<std::string>& subject) {
  const std::lock_guard guard(mutex_);
  const Subject* known = subject ? subjects_.find(*subject) : nullptr;
  if (subject && (known == nullptr || !known->mode)) return no_subject(*subject);
  const Mode before = subject ? *known->mode : subjects_.mode().value_or(Mode::read_write);
  if (auto refusal = make({.kind = ChangeKind::set_mode, .subject = subject}))
    return *std::move(refusal);
  return before;
}

}  // namespace adweave::registry
