// SPDX-License-Identifier: Apache-2.0
#include "registry/book.h"

namespace adweave::registry {

Status RegistryBook::read(const FileSystem& fs, const std::string& dir) {
  return ChangeLog::visit(fs, dir,
                          [this](const Change& change) { return subjects_.apply(change); });
}

std::optional<std::string> RegistryBook::find(int64_t id) const {
  if (registry_ != nullptr) return registry_->text_of(id);
  const std::string* text = subjects_.schema(id);
  return text == nullptr ? std::nullopt : std::optional(*text);
}

}  // namespace adweave::registry
