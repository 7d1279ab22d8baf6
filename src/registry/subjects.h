// SPDX-License-Identifier: Apache-2.0
// What a registry knows: subjects with their versions, schemas by their ids. A function of its
// changes.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "registry/change.h"
#include "registry/compatibility.h"

namespace adweave::registry {

// Who may change what. Of a subject, or of all: `readonly_override` goes before what a subject has.
enum class Mode {
  read_write,
  read_only,
  read_only_override,
  import,  // versions come with their ids, and are not compared
};

// "READONLY_OVERRIDE", in any case; none: there is no such mode.
std::optional<Mode> mode_named(std::string_view name);
std::string name_of(Mode mode);

struct Version {
  int64_t id = 0;
  bool is_deleted = false;  // softly: it is still there for who asks for deleted ones
};

struct Subject {
  std::map<int64_t, Version> versions;
  std::optional<Level> level;
  std::optional<Mode> mode;

  bool has_versions(bool with_deleted) const;
};

class Subjects {
 public:
  // Fails with corrupt when the change cannot be made: it names what is not there, or
  // gives what is taken.
  Status apply(const Change& change);

  const std::map<std::string, Subject>& all() const { return subjects_; }
  const Subject* find(const std::string& name) const;
  // The text of a schema; null: there is none of this id.
  const std::string* schema(int64_t id) const;
  // Id of the schema that is the same (Schema::identity()); the smallest, if there are more.
  std::optional<int64_t> id_of(const std::string& identity) const;
  bool is_same(int64_t id, const std::string& identity) const;
  // Whether some version of some subject has it, deleted ones too.
  bool is_used(int64_t id) const;
  int64_t id_max() const { return texts_.empty() ? 0 : texts_.rbegin()->first; }

  std::optional<Level> level() const { return level_; }  // of all
  std::optional<Mode> mode() const { return mode_; }

 private:
  Status add_version(const Change& change);
  Status delete_version(const Change& change);
  Status delete_subject(const Change& change);
  // A subject without versions has nothing of its own.
  void forget_settings(Subject& subject);
  void forget_if_empty(const std::string& name);

  std::map<std::string, Subject> subjects_;
  std::map<int64_t, std::string> texts_;          // by id; kept when all versions are deleted
  std::map<std::string, std::set<int64_t>> ids_;  // by identity
  std::map<int64_t, int64_t> uses_;               // versions that have an id
  std::optional<Level> level_;
  std::optional<Mode> mode_;
};

}  // namespace adweave::registry
