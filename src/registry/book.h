// SPDX-License-Identifier: Apache-2.0
// What a registry knows, for who decodes messages with it.
#pragma once

#include "decode/schema_book.h"
#include "registry/registry.h"

namespace adweave::registry {

// Every schema that ever had an id, also where all its versions are deleted: messages may still
// carry it. use() or read() come before any find().
class RegistryBook : public decode::SchemaBook {
 public:
  // What the registry in `dir` has now; without such a folder it knows nothing. Fails as
  // ChangeLog::open() does.
  Status read(const FileSystem& fs, const std::string& dir);
  // What this registry has at each moment. It must outlive the book.
  void use(const Registry& registry) { registry_ = &registry; }

  std::optional<std::string> find(int64_t id) const override;

 private:
  const Registry* registry_ = nullptr;
  Subjects subjects_;  // without one
};

}  // namespace adweave::registry
