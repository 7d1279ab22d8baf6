// SPDX-License-Identifier: Apache-2.0
// The schema registry: subjects, each a row of versions of an Avro schema that get on with each
// other, and schemas by ids that messages carry. It does what Confluent's does, as far as its REST
// interface can tell; serve/registry_endpoints.h is that interface.
//
//   auto registry = Registry::open(fs, "DIR/registry");
//   const auto added = (*registry)->add("clicks-value", {.schema = R"("string")"});
//   if (const auto* refusal = std::get_if<Refusal>(&added)) ...
//
// A schema has one id in all subjects, however it is written (Schema::identity()), and keeps it for
// good. What a call that changes something returns outlives a power cut. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "registry/change_log.h"
#include "registry/subjects.h"

namespace adweave::registry {

// Why something is not done. The first three digits of a code are a status of HTTP.
struct Refusal {
  enum Code : int {
    subject_not_found = 40401,
    version_not_found = 40402,
    schema_not_found = 40403,
    subject_is_deleted = 40404,      // softly, and it should be once more
    subject_is_not_deleted = 40405,  // softly, which comes before permanently
    version_is_deleted = 40406,
    version_is_not_deleted = 40407,
    no_level = 40408,
    no_mode = 40409,
    incompatible = 409,
    invalid_schema = 42201,
    invalid_version = 42202,
    invalid_level = 42203,
    invalid_mode = 42204,
    not_permitted = 42205,  // by the mode
    other_id = 42207,       // the schema of this id is another one
    invalid_subject = 42208,
    store = 50001,
  };
  Code code = store;
  std::string message;
};

template <class T>
using Answer = std::variant<T, Refusal>;

// A schema that somebody hands in.
struct Candidate {
  std::string schema;
  int64_t id = 0;       // with the mode `import`; else 0: none
  int64_t version = 0;  // that it must get; 0: the next
};

struct FoundVersion {
  std::string subject;
  int64_t version = 0;
  int64_t id = 0;
  std::string schema;
};

enum class Deleted { without, with, only };

constexpr int64_t kLatest = -1;  // in place of a version

class Registry {
 public:
  // `dir` is made with the first change. Fails as ChangeLog::open() does.
  static Result<std::unique_ptr<Registry>> open(FileSystem& fs, const std::string& dir,
                                                ChangeLog::CheckLock check_lock = {});

  // The id that the schema has; it is the subject's latest version, or an earlier one was the same.
  Answer<int64_t> add(const std::string& subject, const Candidate& candidate);
  // The version of the subject that is the same schema.
  Answer<FoundVersion> look_up(const std::string& subject, const std::string& schema,
                               bool with_deleted) const;
  // Why it cannot be the next version; empty: it can. `version`: compared with this one alone.
  Answer<std::vector<std::string>> check(const std::string& subject, const std::string& schema,
                                         std::optional<int64_t> version) const;

  std::vector<std::string> subjects(Deleted deleted, const std::string& prefix) const;
  Answer<std::vector<int64_t>> versions(const std::string& subject, Deleted deleted) const;
  Answer<FoundVersion> version(const std::string& subject, int64_t version,
                               bool with_deleted) const;
  Answer<std::string> schema(int64_t id) const;
  // The same of any schema that ever had an id.
  std::optional<std::string> text_of(int64_t id) const;
  // All that have this id.
  Answer<std::vector<FoundVersion>> versions_of(int64_t id, bool with_deleted) const;

  // The versions that were deleted.
  Answer<std::vector<int64_t>> delete_subject(const std::string& subject, bool is_permanent);
  Answer<int64_t> delete_version(const std::string& subject, int64_t version, bool is_permanent);

  // Of a subject, or of all. `or_global`: where the subject has none.
  Answer<Level> level(const std::optional<std::string>& subject, bool or_global) const;
  Answer<Level> set_level(const std::optional<std::string>& subject, Level level);
  Answer<Level> reset_level(const std::optional<std::string>& subject);  // what it was
  Answer<Mode> mode(const std::optional<std::string>& subject, bool or_global) const;
  // `is_forced`: `import` also where there are versions already.
  Answer<Mode> set_mode(const std::optional<std::string>& subject, Mode mode, bool is_forced);
  Answer<Mode> reset_mode(const std::optional<std::string>& subject);  // what it was

 private:
  Registry() = default;

  std::optional<Refusal> make(const Change& change);
  // By its mode; of all, when it is empty.
  std::optional<Refusal> refuse_write(const std::string& subject) const;
  Answer<int64_t> import(const std::string& subject, const Candidate& candidate,
                         const Schema& schema);
  std::vector<std::string> reasons(const std::string& subject, const Schema& schema,
                                   std::optional<int64_t> version) const;
  std::optional<int64_t> find_same(const std::string& subject, const std::string& identity,
                                   bool with_deleted) const;
  std::variant<const Subject*, Refusal> find(const std::string& subject, bool with_deleted) const;
  FoundVersion found(const std::string& subject, int64_t number, int64_t id) const;
  Level level_of(const std::string& subject) const;
  Mode mode_of(const std::string& subject) const;

  mutable std::mutex mutex_;
  std::unique_ptr<ChangeLog> log_;
  Subjects subjects_;
};

}  // namespace adweave::registry
