// SPDX-License-Identifier: Apache-2.0
// Refusals that several calls make. Inside registry/ only.
#pragma once

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "registry/registry.h"

namespace adweave::registry {

inline Refusal no_subject(const std::string& subject) {
  return {Refusal::subject_not_found, fmt::format("Subject '{}' not found.", subject)};
}

inline Refusal no_version(int64_t version) {
  return {Refusal::version_not_found, fmt::format("Version {} not found.", version)};
}

inline Refusal no_schema(const Error& error) {
  return {Refusal::invalid_schema,
          "Invalid schema: " + error.message + (error.fix.empty() ? "" : "; " + error.fix)};
}

inline Refusal does_not_fit(const std::string& subject, const std::string& level,
                            const std::vector<std::string>& reasons) {
  std::string message = fmt::format(
      "Schema being registered is incompatible with an earlier schema for subject '{}' at the "
      "level {}: ",
      subject, level);
  for (const std::string& reason : reasons) message += (reason == reasons[0] ? "" : "; ") + reason;
  return {Refusal::incompatible, std::move(message)};
}

// A name that cannot be a subject's.
inline std::optional<Refusal> refuse_name(const std::string& subject) {
  const bool is_plain =
      std::none_of(subject.begin(), subject.end(), [](char c) { return c >= 0 && c < ' '; });
  if (!subject.empty() && subject.size() <= limits::kRegistrySubjectBytesMax && is_plain &&
      is_utf8(subject)) {
    return std::nullopt;
  }
  return Refusal{Refusal::invalid_subject,
                 fmt::format("A subject is 1 to {} bytes of UTF-8 without control characters",
                             limits::kRegistrySubjectBytesMax)};
}

}  // namespace adweave::registry
