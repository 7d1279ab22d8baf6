// SPDX-License-Identifier: Apache-2.0
#include "decode/decoders.h"

namespace adweave::decode {

namespace {

class LineCutter : public event::RecordCutter {
 public:
  Result<std::optional<int64_t>> head(std::string_view start, bool /*at_end*/) override {
    return std::optional<int64_t>(byte_order_mark(start));
  }

  std::optional<int64_t> cut(std::string_view bytes, int64_t target, bool at_end) override {
    const auto from = static_cast<size_t>(target > 0 ? target - 1 : 0);
    const size_t end = from < bytes.size() ? bytes.find('\n', from) : std::string_view::npos;
    if (end != std::string_view::npos) return static_cast<int64_t>(end) + 1;
    if (at_end) return static_cast<int64_t>(bytes.size());
    return std::nullopt;
  }
};

}  // namespace

std::unique_ptr<event::RecordCutter> make_line_cutter() {
  return std::make_unique<LineCutter>();
}

}  // namespace adweave::decode
