// SPDX-License-Identifier: Apache-2.0
#include "decode/json_cutter.h"

#include "decode/decoders.h"
#include "decode/json_check.h"

namespace adweave::decode {

namespace {

constexpr std::string_view kBetweenRecords = " \t\r\n";

size_t skip_space(std::string_view bytes, size_t at) {
  return std::min(bytes.find_first_not_of(kBetweenRecords, at), bytes.size());
}

// The file is one record.
class DocumentCutter : public event::RecordCutter {
 public:
  Result<std::optional<int64_t>> head(std::string_view start, bool /*at_end*/) override {
    return std::optional<int64_t>(byte_order_mark(start));
  }
  std::optional<int64_t> cut(std::string_view bytes, int64_t /*target*/, bool at_end) override {
    if (at_end) return static_cast<int64_t>(bytes.size());
    return std::nullopt;
  }
};

// Values of an array, or one after the other.
class ValueCutter : public event::RecordCutter {
 public:
  explicit ValueCutter(const DecoderSpec& spec)
      : array_(spec.framing == JsonFraming::array), nesting_max_(spec.nesting_max) {}

  Result<std::optional<int64_t>> head(std::string_view start, bool at_end) override {
    const size_t begin =
        skip_space(start, array_ ? static_cast<size_t>(byte_order_mark(start)) : 0);
    if (!array_) return std::optional<int64_t>(byte_order_mark(start));
    if (begin < start.size() && start[begin] == '[')
      return std::optional<int64_t>(static_cast<int64_t>(begin) + 1);
    if (begin == start.size() && !at_end) return std::optional<int64_t>();
    return Error{ErrorCode::io, "the file is no JSON array (it does not begin with [)",
                 "set framing to lines, concatenated or document"};
  }

  std::optional<int64_t> cut(std::string_view bytes, int64_t target, bool at_end) override {
    State state = state_;
    State good = state_;
    size_t good_end = 0;
    while (true) {
      const Found found = next(bytes, state, at_end);
      if (found.kind == Found::more) return std::nullopt;
      if (found.kind == Found::broken && good_end == 0) {
        problem_ = found.problem;
        return 0;
      }
      if (found.kind == Found::broken) break;
      good = state;
      good_end = state.at;
      if (found.kind == Found::end || static_cast<int64_t>(good_end) >= target) break;
    }
    good.at = 0;
    state_ = good;
    return static_cast<int64_t>(good_end);
  }

  std::string problem() const override { return problem_; }

 private:
  struct State {
    size_t at = 0;
    bool begun = false;   // some value has been read
    bool closed = false;  // the array is
  };
  struct Found {
    enum Kind { value, end, more, broken } kind;
    std::string problem;
  };

  static Found broken(std::string what) { return {Found::broken, "not JSON: " + std::move(what)}; }
  static Found unfinished(bool at_end) {
    return at_end ? broken("the last value is cut off") : Found{Found::more, ""};
  }

  // The next value and what stands between it and the one after it.
  Found next(std::string_view bytes, State& state, bool at_end) const {
    size_t at = skip_space(bytes, state.at);
    if (at == bytes.size()) {
      if (!at_end) return {Found::more, ""};
      state.at = at;
      return array_ && !state.closed ? broken("the array is not closed") : Found{Found::end, ""};
    }
    if (state.closed) return broken("text after the end of the array");
    if (array_ && bytes[at] == ']' && !state.begun) {
      state = {at + 1, true, true};
      return {Found::value, ""};
    }
    const size_t end = find_json_end(bytes, at);
    const bool number_at_end = end == std::string_view::npos && at_end && !array_;
    if (end == std::string_view::npos && !number_at_end) return unfinished(at_end);
    const std::string_view value = bytes.substr(at, end - at);
    if (check_json(value, nesting_max_) != JsonCheck::ok)
      return broken("broken value " + event::quoted(value));
    at = number_at_end ? bytes.size() : end;
    if (array_) {
      at = skip_space(bytes, at);
      if (at == bytes.size()) return unfinished(at_end);
      if (bytes[at] != ',' && bytes[at] != ']') return broken("no comma between two values");
      state.closed = bytes[at] == ']';
      ++at;
    }
    state.at = at;
    state.begun = true;
    return {Found::value, ""};
  }

  bool array_;
  int nesting_max_;
  State state_;
  std::string problem_;
};

}  // namespace

std::unique_ptr<event::RecordCutter> make_json_cutter(const DecoderSpec& spec) {
  switch (spec.framing) {
    case JsonFraming::lines:
      return make_line_cutter();
    case JsonFraming::document:
      return std::make_unique<DocumentCutter>();
    case JsonFraming::array:
    case JsonFraming::concatenated:
      break;
  }
  return std::make_unique<ValueCutter>(spec);
}

}  // namespace adweave::decode
