// SPDX-License-Identifier: Apache-2.0
#include "registry/subjects.h"

#include <algorithm>
#include <array>

#include "registry/schema.h"

namespace adweave::registry {

namespace {

constexpr std::array<std::pair<std::string_view, Mode>, 4> kModes = {{
    {"READWRITE", Mode::read_write},
    {"READONLY", Mode::read_only},
    {"READONLY_OVERRIDE", Mode::read_only_override},
    {"IMPORT", Mode::import},
}};

Error impossible(const std::string& what) {
  return {ErrorCode::corrupt, what, "restore the folder from a backup; nothing has been changed"};
}

}  // namespace

std::optional<Mode> mode_named(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  for (const auto& [known, mode] : kModes) {
    if (known == upper) return mode;
  }
  return std::nullopt;
}

std::string name_of(Mode mode) {
  return std::string(kModes[static_cast<size_t>(mode)].first);
}

bool Subject::has_versions(bool with_deleted) const {
  return std::any_of(versions.begin(), versions.end(), [&](const auto& version) {
    return with_deleted || !version.second.is_deleted;
  });
}

const Subject* Subjects::find(const std::string& name) const {
  const auto it = subjects_.find(name);
  return it == subjects_.end() ? nullptr : &it->second;
}

const std::string* Subjects::schema(int64_t id) const {
  const auto it = texts_.find(id);
  return it == texts_.end() ? nullptr : &it->second;
}

std::optional<int64_t> Subjects::id_of(const std::string& identity) const {
  const auto it = ids_.find(identity);
  if (it == ids_.end()) return std::nullopt;
  return *it->second.begin();
}

bool Subjects::is_same(int64_t id, const std::string& identity) const {
  const auto it = ids_.find(identity);
  return it != ids_.end() && it->second.contains(id);
}

bool Subjects::is_used(int64_t id) const {
  return uses_.contains(id);
}

Status Subjects::apply(const Change& change) {
  switch (change.kind) {
    case ChangeKind::add_version:
      return add_version(change);
    case ChangeKind::delete_version:
      return delete_version(change);
    case ChangeKind::delete_subject:
      return delete_subject(change);
    case ChangeKind::set_level: {
      const auto level = change.value ? level_named(*change.value) : std::nullopt;
      if (change.value && !level) return impossible("there is no level '" + *change.value + "'");
      (change.subject ? subjects_[*change.subject].level : level_) = level;
      if (change.subject) forget_if_empty(*change.subject);
      return {};
    }
    case ChangeKind::set_mode: {
      const auto mode = change.value ? mode_named(*change.value) : std::nullopt;
      if (change.value && !mode) return impossible("there is no mode '" + *change.value + "'");
      (change.subject ? subjects_[*change.subject].mode : mode_) = mode;
      if (change.subject) forget_if_empty(*change.subject);
      return {};
    }
  }
  return {};
}

Status Subjects::add_version(const Change& change) {
  if (change.schema) {
    // What was taken once stays, also where a later program would not take it.
    const Result<Schema> schema = Schema::parse(*change.schema);
    if (!texts_.emplace(change.id, *change.schema).second)
      return impossible("the id " + std::to_string(change.id) + " is given twice");
    ids_[schema ? schema->identity() : *change.schema].insert(change.id);
  } else if (!texts_.contains(change.id)) {
    return impossible("there is no schema of the id " + std::to_string(change.id));
  }
  Subject& subject = subjects_[*change.subject];
  const auto [version, is_new] =
      subject.versions.emplace(change.version, Version{change.id, false});
  if (!is_new)
    return impossible("the version " + std::to_string(change.version) + " is given twice");
  ++uses_[change.id];
  return {};
}

Status Subjects::delete_version(const Change& change) {
  const auto subject = subjects_.find(*change.subject);
  if (subject == subjects_.end() || !subject->second.versions.contains(change.version)) {
    return impossible("there is no version " + std::to_string(change.version) + " of '" +
                      *change.subject + "' to delete");
  }
  const auto version = subject->second.versions.find(change.version);
  if (change.is_permanent) {
    if (--uses_[version->second.id] == 0) uses_.erase(version->second.id);
    subject->second.versions.erase(version);
  } else {
    version->second.is_deleted = true;
  }
  forget_settings(subject->second);
  forget_if_empty(*change.subject);
  return {};
}

Status Subjects::delete_subject(const Change& change) {
  const auto subject = subjects_.find(*change.subject);
  if (subject == subjects_.end())
    return impossible("there is no subject '" + *change.subject + "' to delete");
  auto& versions = subject->second.versions;
  for (auto& [number, version] : versions) {
    version.is_deleted = true;
    if (change.is_permanent && --uses_[version.id] == 0) uses_.erase(version.id);
  }
  if (change.is_permanent) versions.clear();
  forget_settings(subject->second);
  forget_if_empty(*change.subject);
  return {};
}

void Subjects::forget_settings(Subject& subject) {
  if (subject.has_versions(false)) return;
  subject.level.reset();
  subject.mode.reset();
}

void Subjects::forget_if_empty(const std::string& name) {
  const Subject& subject = subjects_[name];
  if (subject.versions.empty() && !subject.level && !subject.mode) subjects_.erase(name);
}

}  // namespace adweave::registry
