// SPDX-License-Identifier: Apache-2.0
// A data folder with rows that a test writes by hand, commit by commit, through the lake and the
// ledger as they are. Header only: it uses rooms that not every test links.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "lake/table_writer.h"
#include "ledger/writer.h"

namespace adweave::tests {

class WrittenLedger {
 public:
  WrittenLedger() {
    std::string pattern = (std::filesystem::temp_directory_path() / "adweave-rows-XXXXXX").string();
    CHECK(mkdtemp(pattern.data()) != nullptr);
    dir_ = pattern;
    auto writer = ledger::LedgerWriter::open(*fs_, {dir_, "test", "l", "0", false});
    CHECK(writer && writer->begin_epoch(0));
    writer_ = std::make_unique<ledger::LedgerWriter>(*std::move(writer));
  }
  ~WrittenLedger() { std::filesystem::remove_all(dir_); }
  WrittenLedger(const WrittenLedger&) = delete;
  WrittenLedger& operator=(const WrittenLedger&) = delete;

  // Appends a row with what no event may lack; returns its number.
  static int64_t add_event(event::Batch& batch, const std::string& id, int64_t time) {
    const int64_t row = batch.rows++;
    batch.event_id.put(row, id);
    batch.event_time.put(row, time);
    batch.received_time.put(row, time);
    batch.advertiser_id.put(row, "a");
    batch.source.put(row, "s");
    batch.source_position.put(row, "f:" + std::to_string(row));
    batch.source_length.put(row, 1);
    batch.content_hash.put(row, row);
    return row;
  }

  // Commits the rows and dimension files (name, text); returns the commit's number.
  int64_t commit(const std::vector<event::TableRows>& tables,
                 const std::map<std::string, std::string>& dimensions = {},
                 const std::string& kind = "data") {
    const int64_t number = writer_->ledger().head() + 1;
    ledger::CommitRecord record;
    record.kind = kind;
    for (const event::TableRows& rows : tables) {
      if (rows.rows == 0) continue;
      const event::TableRows parts[] = {rows};
      auto files = lake::write_table(*fs_, {dir_, writer_->epoch(), number, "l"}, parts);
      CHECK(files);
      record.added.insert(record.added.end(), files->begin(), files->end());
    }
    for (const auto& [name, text] : dimensions) {
      const std::string path = "lake/_dimensions/" + name + "-" + std::to_string(number) + ".csv";
      CHECK(make_dirs(*fs_, join_path(dir_, "lake/_dimensions")));
      CHECK(write_synced(*fs_, join_path(dir_, path), text));
      record.dimensions.push_back({name, path, name + ".csv", 0, ""});
    }
    CHECK(writer_->append(record));
    return number;
  }

  FileSystem& fs() { return *fs_; }
  const std::string& dir() const { return dir_; }
  const ledger::Ledger& ledger() const { return writer_->ledger(); }

 private:
  std::string dir_;
  std::unique_ptr<FileSystem> fs_ = make_posix_file_system();
  std::unique_ptr<ledger::LedgerWriter> writer_;
};

}  // namespace adweave::tests
