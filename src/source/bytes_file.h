// SPDX-License-Identifier: Apache-2.0
// Bytes in memory as a file that is open for reading: what came without one is read like one.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/file_system.h"

namespace adweave::source {

class BytesFile : public File {
 public:
  explicit BytesFile(std::string bytes) : bytes_(std::move(bytes)) {}

  Status write(std::string_view) override { return read_only(); }
  Status sync() override { return read_only(); }
  Status close() override { return {}; }
  Result<int64_t> read_at(int64_t offset, char* out, int64_t size) const override {
    const int64_t left = std::max<int64_t>(static_cast<int64_t>(bytes_.size()) - offset, 0);
    const int64_t count = std::min(left, size);
    if (count > 0) std::memcpy(out, bytes_.data() + offset, static_cast<size_t>(count));
    return count;
  }

 private:
  static Error read_only() { return {ErrorCode::internal, "bytes in memory cannot be written"}; }

  std::string bytes_;
};

}  // namespace adweave::source
