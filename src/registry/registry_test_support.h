// SPDX-License-Identifier: Apache-2.0
// What tests of the registry share.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "registry/registry.h"

namespace adweave::registry {

inline constexpr const char* kDir = "/data/registry";

// A record with fields of these names, of which all but the first have a default.
inline std::string record_of(const std::vector<std::string>& fields) {
  std::string text = R"({"type":"record","name":"R","fields":[)";
  for (const std::string& field : fields) {
    text += fmt::format(R"({}{{"name":"{}","type":"int"{}}})", field == fields[0] ? "" : ",", field,
                        field == fields[0] ? "" : R"(,"default":0)");
  }
  return text + "]}";
}

template <class T>
T value_of(Answer<T> answer) {
  if (const auto* refusal = std::get_if<Refusal>(&answer)) {
    ADD_FAILURE() << refusal->code << ": " << refusal->message;
    return T();
  }
  return std::get<T>(std::move(answer));
}

// The code of the refusal; 0: there is none.
template <class T>
int code_of(const Answer<T>& answer) {
  const auto* refusal = std::get_if<Refusal>(&answer);
  return refusal == nullptr ? 0 : refusal->code;
}

}  // namespace adweave::registry
