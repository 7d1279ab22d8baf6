// SPDX-License-Identifier: Apache-2.0
#include "decode/json_check.h"

#include <algorithm>

namespace adweave::decode {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

class Checker {
 public:
  Checker(std::string_view text, int nesting_max) : text_(text), nesting_left_(nesting_max) {}

  JsonCheck check() {
    skip_space();
    if (!value()) return too_deep_ ? JsonCheck::too_deep : JsonCheck::malformed;
    skip_space();
    return at_ == text_.size() ? JsonCheck::ok : JsonCheck::malformed;
  }

  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      if (!digits()) return false;
    }
    return true;
  }

  bool at_end() const { return at_ == text_.size(); }
  size_t position() const { return at_; }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  void skip_space() {
    while (peek() == ' ' || peek() == '\n' || peek() == '\t' || peek() == '\r') ++at_;
  }
  bool digits() {
    const size_t begin = at_;
    while (is_digit(peek())) ++at_;
    return at_ > begin;
  }

  bool value() {
    switch (peek()) {
      case '{':
        return nested('}', [this] { return member(); });
      case '[':
        return nested(']', [this] { return value(); });
      case '"':
        return string();
      case 't':
        return take("true");
      case 'f':
        return take("false");
      case 'n':
        return take("null");
      default:
        return number();
    }
  }

  template <class Item>
  bool nested(char close, Item item) {
    if (nesting_left_-- == 0) {
      too_deep_ = true;
      return false;
    }
    ++at_;
    skip_space();
    if (!take(close)) {
      do {
        skip_space();
        if (!item()) return false;
        skip_space();
      } while (take(','));
      if (!take(close)) return false;
    }
    ++nesting_left_;
    return true;
  }

  bool member() {
    if (!string()) return false;
    skip_space();
    if (!take(':')) return false;
    skip_space();
    return value();
  }

  bool string() {
    if (!take('"')) return false;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\' && !escape()) return false;
    }
    return false;
  }

  bool escape() {
    const char c = peek();
    if (c == '\0' || std::string_view("\"\\/bfnrtu").find(c) == std::string_view::npos)
      return false;
    ++at_;
    if (c != 'u') return true;
    // Characters beyond U+FFFF are two escapes; half of such a pair is no character.
    const int code = hex();
    if (code < 0xD800 || code > 0xDFFF) return code >= 0;
    if (code >= 0xDC00 || !take("\\u")) return false;
    const int low = hex();
    return low >= 0xDC00 && low <= 0xDFFF;
  }

  // Four hexadecimal digits; -1 when there are none.
  int hex() {
    int code = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = peek();
      if (!is_hex(c)) return -1;
      code = code * 16 + (is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return code;
  }

  std::string_view text_;
  size_t at_ = 0;
  int nesting_left_;
  bool too_deep_ = false;
};

}  // namespace

size_t find_json_end(std::string_view text, size_t begin) {
  int depth = 0;
  for (size_t at = begin; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      for (++at; at < text.size() && text[at] != '"'; ++at) at += text[at] == '\\' ? 1 : 0;
      if (at >= text.size()) return std::string_view::npos;
      ++at;
    } else if (c == '{' || c == '[') {
      ++depth, ++at;
    } else if (depth > 0 && (c == '}' || c == ']')) {
      --depth, ++at;
    } else if (depth > 0) {
      ++at;
      continue;
    } else {
      const size_t end = text.find_first_of(" \t\r\n,]}[{\"", at);
      return end == at ? at + 1 : end;
    }
    if (depth == 0) return at;
  }
  return std::string_view::npos;
}

JsonCheck check_json(std::string_view text, int nesting_max) {
  return Checker(text, nesting_max).check();
}

std::optional<size_t> find_json_break(std::string_view text, int nesting_max) {
  Checker checker(text, nesting_max);
  if (checker.check() == JsonCheck::ok) return std::nullopt;
  return std::min(checker.position(), text.size());
}

bool is_json_number(std::string_view text) {
  Checker checker(text, 0);
  return checker.number() && checker.at_end();
}

}  // namespace adweave::decode
