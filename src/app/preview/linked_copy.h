// SPDX-License-Identifier: Apache-2.0
// A data folder to try something on: links to every file that its ledger names, in a temporary
// folder that is removed at the end. New files land in the copy alone; nothing in the ledger ever
// changes a file, so the original is safe.
#pragma once

#include <string>

#include "ledger/ledger.h"

namespace adweave::app {

class LinkedCopy {
 public:
  static Result<LinkedCopy> make(const FileSystem& fs, const std::string& data,
                                 const ledger::Ledger& ledger);
  ~LinkedCopy();
  LinkedCopy(LinkedCopy&& other) noexcept
      : folder_(std::move(other.folder_)), original_(std::move(other.original_)) {
    other.folder_.clear();
  }
  LinkedCopy& operator=(LinkedCopy&&) = delete;

  const std::string& folder() const { return folder_; }
  // The lake that the links lead to.
  const std::string& original() const { return original_; }

 private:
  LinkedCopy() = default;
  Status link(const std::string& data, const std::string& path) const;

  std::string folder_;
  std::string original_;
};

}  // namespace adweave::app
