// SPDX-License-Identifier: Apache-2.0
#include "decode/json_reader.h"

#include <algorithm>

#include <simdjson.h>

#include "base/limits.h"
#include "decode/byte_search.h"
#include "decode/json_check.h"

namespace adweave::decode {

namespace {

namespace ondemand = simdjson::ondemand;
using event::Reason;

// What is wrong with a record; `reason` malformed unless it says more.
struct Problem {
  Reason reason = Reason::malformed;
  std::string message;
};

Problem problem_of(simdjson::error_code error) {
  switch (error) {
    case simdjson::UTF8_ERROR:
      return {Reason::bad_encoding, "the record is not UTF-8"};
    case simdjson::DEPTH_ERROR:
      return {Reason::too_deep, "the record is nested too deeply"};
    default:
      return {Reason::malformed, std::string("not JSON: ") + simdjson::error_message(error)};
  }
}

}  // namespace

class JsonReader::Impl {
 public:
  Impl(const Mapping& mapping, int nesting_max, RowWriter& writer)
      : mapping_(mapping),
        nesting_max_(nesting_max),
        writer_(writer),
        slots_(static_cast<size_t>(mapping.slots())),
        learned_(mapping.nodes()) {}

  void read(std::string_view line, event::RecordSpan& span) {
    for (Value& slot : slots_) slot.kind = Value::Kind::absent;
    extra_.clear();
    elements_ = {};
    problem_.reset();
    escapes_ = line.find('\\') != std::string_view::npos;
    const simdjson::error_code error = read_record(line);
    if (error != simdjson::SUCCESS && !problem_) problem_ = problem_of(error);
    if (problem_) {
      if (problem_->reason == Reason::malformed) say_where(line);
      writer_.reject(problem_->reason, "json", problem_->message, span);
    } else if (elements_.empty()) {
      writer_.write(slots_, extra_, span);
    } else {
      write_elements(span);
    }
  }

 private:
  using ErrorCode = simdjson::error_code;

  static simdjson::padded_string_view padded(std::string_view text) {
    return simdjson::padded_string_view(text.data(), text.size(),
                                        text.size() + simdjson::SIMDJSON_PADDING);
  }

  ErrorCode read_record(std::string_view line) {
    if (mapping_.whole() >= 0) {
      if (const ErrorCode error = read_whole_record(line)) return error;
      if (mapping_.only_whole()) return simdjson::SUCCESS;
    }
    ondemand::document document;
    if (const ErrorCode error = parser_.iterate(padded(line)).get(document)) return error;
    ondemand::object object;
    if (document.get_object().get(object) != simdjson::SUCCESS)
      return fail(Reason::malformed, "the record is no JSON object");
    if (const ErrorCode error = read_object(object, mapping_.tree(), extra_)) return error;
    if (!document.at_end())
      return fail(Reason::malformed, "not JSON: text after the end of the object");
    return simdjson::SUCCESS;
  }

  ErrorCode read_whole_record(std::string_view line) {
    line = trimmed(line);
    if (!simdjson::validate_utf8(line.data(), line.size())) return simdjson::UTF8_ERROR;
    if (const ErrorCode error = check(line)) return error;
    slots_[static_cast<size_t>(mapping_.whole())] = Value::of_json(line);
    return simdjson::SUCCESS;
  }

  // Names the byte at which the record stops being JSON.
  void say_where(std::string_view line) {
    constexpr size_t kShown = 20;
    const std::optional<size_t> at = find_json_break(line, nesting_max_);
    if (!at) return;
    const std::string_view rest = line.substr(*at, kShown);
    problem_->message =
        rest.empty() ? "not JSON: the record ends too early, at byte " + std::to_string(*at)
                     : "not JSON at byte " + std::to_string(*at) + ": " + event::quoted(rest);
  }

  static std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    if (!text.empty() && text.front() > ' ' && text.back() > ' ') return text;
    text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
    return text.substr(0, text.find_last_not_of(kSpace) + 1);
  }

  ErrorCode fail(Reason reason, std::string message) {
    problem_ = Problem{reason, std::move(message)};
    return simdjson::TAPE_ERROR;
  }

  ErrorCode read_object(ondemand::object object, const PathNode& node, ExtraObject& extra) {
    const uint64_t number = ++objects_;
    Learned* last = &learned_[node.id];
    const PathNode** guess = &last->first;
    for (auto field : object) {
      if (field.error() != simdjson::SUCCESS) return field.error();
      const PathNode* child = *guess;
      std::string_view unknown;  // a key that is no node's
      if (child == nullptr || !is_key(field.value_unsafe().key_raw_json_token(), child->key)) {
        if (const ErrorCode error = field.unescaped_key().get(unknown)) return error;
        child = node.find(unknown);
      }
      const ondemand::value value = field.value_unsafe().value();
      if (child == nullptr) {
        if (const ErrorCode error = keep_unread(value, unknown, extra)) return error;
        continue;
      }
      *guess = child;
      last = &learned_[child->id];
      guess = &last->next;
      if (last->object == number) forget(*child, extra);
      last->object = number;
      if (const ErrorCode error = read_value(value, *child, child->key, extra)) return error;
    }
    return simdjson::SUCCESS;
  }

  // Whether `text`, a key in its quotes, is `key` letter by letter.
  static bool is_key(std::string_view text, std::string_view key) {
    return text.size() >= key.size() + 2 && text[key.size() + 1] == '"' &&
           same_bytes(text.data() + 1, key.data(), key.size());
  }

  // Of equal keys the last counts: what was read of one before is undone.
  void forget(const PathNode& node, ExtraObject& extra) {
    clear_slots(node);
    extra.drop(node.key);
  }

  void clear_slots(const PathNode& node) {
    if (node.slot >= 0) slots_[static_cast<size_t>(node.slot)] = Value();
    if (node.explode) elements_ = {};
    for (const PathNode& child : node.children) clear_slots(child);
  }

  ErrorCode read_value(ondemand::value value, const PathNode& node, std::string_view key,
                       ExtraObject& extra) {
    const std::string_view token = value.raw_json_token();
    if (token.empty()) return simdjson::TAPE_ERROR;
    if (token[0] == '{') return read_nested_object(value, node, key, extra);
    if (token[0] == '[') return read_nested_array(value, node, key, extra);
    if (node.slot < 0) return keep_unread(value, key, extra);
    Value& out = slots_[static_cast<size_t>(node.slot)];
    return token[0] == '"' ? read_text(value, token, out) : read_word(trimmed(token), out);
  }

  // A text that nothing is escaped in stays where it is: no copy of it is made, and its end need
  // not be searched for.
  ErrorCode read_text(ondemand::value value, std::string_view token, Value& out) {
    if (escapes_) {
      out.kind = Value::Kind::text;
      return value.get_string().get(out.text);
    }
    while (token.back() != '"') token.remove_suffix(1);  // blanks
    out = Value::of_text(token.substr(1, token.size() - 2));
    ondemand::raw_json_string consumed;
    return value.get_raw_json_string().get(consumed);
  }

  // simdjson goes on after the token by itself.
  ErrorCode read_word(std::string_view token, Value& out) {
    if (is_json_number(token)) {
      out = Value::of_number(token);
    } else if (token == "true" || token == "false") {
      out = Value::of_boolean(token == "true");
    } else if (token == "null") {
      out = Value::null();
    } else {
      return fail(Reason::malformed, "not JSON: " + event::quoted(token) + " is no value");
    }
    return simdjson::SUCCESS;
  }

  // Text of a value that is kept as it is, checked.
  ErrorCode read_raw(ondemand::value value, std::string_view& text) {
    ondemand::json_type type;
    if (const ErrorCode error = value.type().get(type)) return error;
    if (const ErrorCode error = value.raw_json().get(text)) return error;
    text = trimmed(text);
    if (type == ondemand::json_type::string) {
      // raw_json() leaves a text where it stands, and simdjson skips a text before ':' as a key.
      ondemand::raw_json_string consumed;
      if (const ErrorCode error = value.get_raw_json_string().get(consumed)) return error;
    }
    return check(text);
  }

  ErrorCode check(std::string_view text) {
    switch (check_json(text, nesting_max_)) {
      case JsonCheck::ok:
        return simdjson::SUCCESS;
      case JsonCheck::too_deep:
        return fail(Reason::too_deep,
                    "nested deeper than " + std::to_string(nesting_max_) + " levels");
      case JsonCheck::malformed:
        return fail(Reason::malformed, "not JSON: broken value " + event::quoted(text));
    }
    return simdjson::SUCCESS;
  }

  ErrorCode keep_unread(ondemand::value value, std::string_view key, ExtraObject& extra) {
    std::string_view text;
    if (const ErrorCode error = read_raw(value, text)) return error;
    if (mapping_.collects_unread()) extra.add(key, Value::of_json(text));
    return simdjson::SUCCESS;
  }

  ErrorCode read_nested_object(ondemand::value value, const PathNode& node, std::string_view key,
                               ExtraObject& extra) {
    if (node.children.empty()) return read_whole(value, node, key, extra);
    ondemand::object object;
    if (const ErrorCode error = value.get_object().get(object)) return error;
    if (node.slot >= 0) {
      std::string_view text;
      if (const ErrorCode error = object.raw_json().get(text)) return error;
      slots_[static_cast<size_t>(node.slot)] = Value::of_json(text);
      if (const ErrorCode error = object.reset().error()) return error;
    }
    ExtraObject inner;
    if (const ErrorCode error = read_object(object, node, inner)) return error;
    if (!inner.empty() && node.slot < 0) extra.add(key, inner.to_json());
    return simdjson::SUCCESS;
  }

  ErrorCode read_nested_array(ondemand::value value, const PathNode& node, std::string_view key,
                              ExtraObject& extra) {
    if (node.explode) {
      explode_key_ = key;
      explode_node_ = &node;
      return read_raw(value, elements_);
    }
    if (node.children.empty() || node.slot >= 0) return read_whole(value, node, key, extra);
    ondemand::array array;
    if (const ErrorCode error = value.get_array().get(array)) return error;
    int64_t index = 0;
    for (auto item : array) {
      ondemand::value element;
      if (const ErrorCode error = item.get(element)) return error;
      const std::string name = std::string(key) + "[" + std::to_string(index) + "]";
      const PathNode* child = node.find(index++);
      const ErrorCode error = child != nullptr ? read_value(element, *child, name, extra)
                                               : keep_unread(element, name, extra);
      if (error) return error;
    }
    return simdjson::SUCCESS;
  }

  // An object or array that a rule reads as JSON text, or that only rules for another shape know.
  ErrorCode read_whole(ondemand::value value, const PathNode& node, std::string_view key,
                       ExtraObject& extra) {
    if (node.slot < 0) return keep_unread(value, key, extra);
    std::string_view text;
    if (const ErrorCode error = read_raw(value, text)) return error;
    slots_[static_cast<size_t>(node.slot)] = Value::of_json(text);
    return simdjson::SUCCESS;
  }

  // One event for every element of the exploded array, which has been checked to be JSON.
  void write_elements(event::RecordSpan& span) {
    ondemand::document document;
    ondemand::array array;
    size_t count = 0;
    CHECK(element_parser_.iterate(padded(elements_)).get(document) == simdjson::SUCCESS);
    CHECK(document.get_array().get(array) == simdjson::SUCCESS);
    CHECK(array.count_elements().get(count) == simdjson::SUCCESS);
    if (count == 0) return writer_.write(slots_, extra_, span);
    if (count > static_cast<size_t>(limits::kExplodeMax)) {
      return writer_.reject(Reason::too_many_events, mapping_.explode(),
                            std::to_string(count) + " events in one record, the limit is " +
                                std::to_string(limits::kExplodeMax),
                            span);
    }
    for (auto item : array) {
      ++span.element;
      write_element(item, span);
    }
  }

  void write_element(simdjson::simdjson_result<ondemand::value> item,
                     const event::RecordSpan& span) {
    for (int slot = 0; slot < mapping_.slots(); ++slot) {
      if (mapping_.of_element(slot)) slots_[static_cast<size_t>(slot)] = Value();
    }
    ondemand::value value;
    ondemand::object object;
    if (item.get(value) != simdjson::SUCCESS ||
        value.get_object().get(object) != simdjson::SUCCESS) {
      return writer_.reject(Reason::wrong_type, mapping_.explode(), "the element is no object",
                            span);
    }
    problem_.reset();
    ExtraObject inner;
    const ErrorCode error = read_object(object, *explode_node_, inner);
    if (error != simdjson::SUCCESS) {
      const Problem problem = problem_ ? *problem_ : problem_of(error);
      return writer_.reject(problem.reason, mapping_.explode(), problem.message, span);
    }
    ExtraObject extra = extra_;
    if (!inner.empty()) extra.add(explode_key_, inner.to_json());
    writer_.write(slots_, extra, span);
  }

  const Mapping& mapping_;
  int nesting_max_;
  RowWriter& writer_;
  std::vector<Value> slots_;
  ExtraObject extra_;
  // Records have their members in one order, so nearly every key is found by one comparison.
  struct Learned {
    const PathNode* first = nullptr;  // whose key came first in the node's object
    const PathNode* next = nullptr;   // whose key came after the node's
    uint64_t object = 0;              // the last that had the node's key, by its number
  };
  std::vector<Learned> learned_;  // of each node
  bool escapes_ = false;  // the record has a backslash; else texts are used where they stand
  uint64_t objects_ = 0;  // that were read
  std::optional<Problem> problem_;
  std::string_view elements_;  // JSON text of the exploded array
  std::string explode_key_;
  const PathNode* explode_node_ = nullptr;
  ondemand::parser parser_;
  ondemand::parser element_parser_;
};

std::optional<std::string> find_json_text(std::string_view record, const std::string& path) {
  const simdjson::padded_string padded(record);
  ondemand::parser parser;
  ondemand::document document;
  std::string_view text;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS) return std::nullopt;
  if (document.at_path("." + path).get_string().get(text) != simdjson::SUCCESS) return std::nullopt;
  return std::string(text);
}

static_assert(kJsonPadding >= simdjson::SIMDJSON_PADDING);

JsonReader::JsonReader(const Mapping& mapping, int nesting_max, RowWriter& writer)
    : impl_(std::make_unique<Impl>(mapping, nesting_max, writer)) {}
JsonReader::~JsonReader() = default;

void JsonReader::read(std::string_view record, event::RecordSpan& span) {
  impl_->read(record, span);
}

}  // namespace adweave::decode
