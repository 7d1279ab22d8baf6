// SPDX-License-Identifier: Apache-2.0
// What the journal's tests share.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/journal.h"

namespace adweave::source {

inline constexpr const char* kDir = "/data/journal";

inline Delivery delivery(int64_t n) {
  return {"clicks", "batch-" + std::to_string(n), 1'000'000 + n,
          "body " + std::to_string(n) + std::string(static_cast<size_t>(n % 7), '\n')};
}

inline std::unique_ptr<Journal> open_journal(FileSystem& fs, JournalOptions options = {}) {
  Result<std::unique_ptr<Journal>> journal = Journal::open(fs, kDir, options);
  if (!journal) return nullptr;
  return *std::move(journal);
}

// Appends and waits for the answer.
inline Result<JournalPosition> append(Journal& journal, Delivery d) {
  std::promise<Result<JournalPosition>> promise;
  journal.append(std::move(d),
                 [&](Result<JournalPosition> done) { promise.set_value(std::move(done)); });
  return promise.get_future().get();
}

// All there is from a position on, or the error that ends it.
inline Result<std::vector<JournalEntry>> read_all(const Journal& journal,
                                                  JournalPosition from = {}) {
  JournalReader reader = journal.reader(from);
  std::vector<JournalEntry> entries;
  while (true) {
    ADWEAVE_ASSIGN(std::optional<JournalEntry> entry, reader.next());
    if (!entry) return entries;
    entries.push_back(*std::move(entry));
  }
}

// How many of delivery(0), delivery(1), ... there are; -1 when there is anything else.
inline int64_t count_in_order(const Result<std::vector<JournalEntry>>& entries) {
  if (!entries) return -1;
  for (size_t i = 0; i < entries->size(); ++i) {
    if ((*entries)[i].delivery != delivery(static_cast<int64_t>(i))) return -1;
  }
  return static_cast<int64_t>(entries->size());
}

}  // namespace adweave::source
