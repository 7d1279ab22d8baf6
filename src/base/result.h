// SPDX-License-Identifier: Apache-2.0
// Operational failure as a value. Bad data is not an Error (it becomes a reject); a bug is a CHECK.
//
//   Result<File> file = fs.open(path);
//   if (!file) return file.error();
//   use(*file);
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"

namespace adweave {

// What kind of failure it is; decides the exit code and whether a repeat can help.
enum class ErrorCode {
  usage,         // the command line is wrong
  config,        // the configuration is wrong
  io,            // the operating system refused (disk full, permission, ...)
  not_found,     // a file or a name does not exist
  exists,        // put-if-absent lost
  locked,        // another writer holds the folder
  fenced,        // another writer has begun a newer epoch; this one must end
  corrupt,       // a checksum, a chain link or a format rule does not hold
  newer_format,  // written by a newer program
  query,         // the SQL or the report asked for cannot be answered
  internal,      // a library failed in a way that is not the user's
};

// "not_found"
constexpr std::string_view error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage:
      return "usage";
    case ErrorCode::config:
      return "config";
    case ErrorCode::io:
      return "io";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::exists:
      return "exists";
    case ErrorCode::locked:
      return "locked";
    case ErrorCode::fenced:
      return "fenced";
    case ErrorCode::corrupt:
      return "corrupt";
    case ErrorCode::newer_format:
      return "newer_format";
    case ErrorCode::query:
      return "query";
    case ErrorCode::internal:
      return "internal";
  }
  return "";
}

// What the caller should do about it.
enum class Recovery { retry, stop };

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;  // what, where and why, one sentence
  std::string fix{};    // what to do about it; may be empty
  Recovery recovery = Recovery::stop;

  // Puts `context: ` before the message, so that an error tells where it passed through.
  Error within(std::string_view context) && {
    message.insert(0, std::string(context) + ": ");
    return std::move(*this);
  }
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  T& value() & {
    CHECK(has_value());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    CHECK(has_value());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    CHECK(has_value());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const& {
    CHECK(!has_value());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    CHECK(!has_value());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

// Success or an Error; `return {};` is success.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}  // NOLINT: implicit

  bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }
  const Error& error() const& {
    CHECK(error_);
    return *error_;
  }
  Error&& error() && {
    CHECK(error_);
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

}  // namespace adweave

// Evaluates a Status or Result and returns its error from the enclosing function, if it has one.
#define ADWEAVE_TRY(expression)                                      \
  do {                                                               \
    auto adweave_status_ = (expression);                             \
    if (!adweave_status_) return std::move(adweave_status_).error(); \
  } while (false)

#define ADWEAVE_CONCAT_(a, b) a##b
#define ADWEAVE_CONCAT(a, b) ADWEAVE_CONCAT_(a, b)
#define ADWEAVE_ASSIGN_(result, declaration, expression) \
  auto result = (expression);                            \
  if (!result) return std::move(result).error();         \
  declaration = std::move(result).value()
// ADWEAVE_ASSIGN(auto x, f()): x is f()'s value, or the enclosing function returns f()'s error.
#define ADWEAVE_ASSIGN(declaration, expression) \
  ADWEAVE_ASSIGN_(ADWEAVE_CONCAT(adweave_result_, __LINE__), declaration, expression)
