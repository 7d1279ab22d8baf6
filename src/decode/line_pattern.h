// SPDX-License-Identifier: Apache-2.0
// A pattern for log lines, made of literal text and named fields:
//
//   {ip} {ident} {user} [{time}] "{method} {path} {protocol}" {status} {bytes} "{referrer}"
//   "{user_agent}"
//
// A field reaches to the next literal; the last one to the end of the line. Within double quotes a
// backslash keeps the next character from ending the field (Apache's escapes). {_} is matched and
// thrown away. "{{" is a literal brace.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace adweave::decode {

class LinePattern {
 public:
  static Result<LinePattern> compile(std::string_view pattern);

  const std::vector<std::string>& fields() const { return fields_; }

  // Texts of the fields, in order; the name of the field at which the line stops fitting otherwise.
  struct Match {
    bool fits = false;
    std::string stopped_at;
  };
  Match match(std::string_view line, std::vector<std::string_view>& values) const;

 private:
  std::string begin_;  // literal before the first field
  std::vector<std::string> fields_;
  std::vector<std::string> literals_;  // after each field
};

}  // namespace adweave::decode
