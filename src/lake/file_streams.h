// SPDX-License-Identifier: Apache-2.0
// Arrow's streams over our file system seam, so that Parquet bytes pass it like all others. Inside
// lake/ only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include "base/file_system.h"
#include "base/hash.h"

namespace adweave::lake {

// Buffers, hashes and counts what is written. Close() flushes, syncs and closes the file.
class OutputFile : public arrow::io::OutputStream {
 public:
  explicit OutputFile(std::unique_ptr<File> file);
  ~OutputFile() override;

  arrow::Status Write(const void* data, int64_t size) override;
  arrow::Status Close() override;
  bool closed() const override { return closed_; }
  arrow::Result<int64_t> Tell() const override { return position_; }

  std::string checksum() const { return to_hex(hasher_.digest()); }
  int64_t size() const { return position_; }
  // The failure of our own file that an arrow::Status could only quote.
  const std::optional<Error>& failure() const { return failure_; }

 private:
  arrow::Status flush();
  arrow::Status keep(Status status);

  std::unique_ptr<File> file_;
  std::string buffer_;
  Hasher128 hasher_;
  int64_t position_ = 0;
  bool closed_ = false;
  std::optional<Error> failure_;
};

// Random reads.
class InputFile : public arrow::io::RandomAccessFile {
 public:
  InputFile(std::unique_ptr<File> file, int64_t size) : file_(std::move(file)), size_(size) {}

  arrow::Status Close() override;
  bool closed() const override { return file_ == nullptr; }
  arrow::Result<int64_t> Tell() const override { return position_; }
  arrow::Status Seek(int64_t position) override;
  arrow::Result<int64_t> Read(int64_t size, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t size) override;
  arrow::Result<int64_t> ReadAt(int64_t position, int64_t size, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t position, int64_t size) override;
  arrow::Result<int64_t> GetSize() override { return size_; }

 private:
  std::unique_ptr<File> file_;
  int64_t size_;
  int64_t position_ = 0;
};

// An arrow failure as ours. Parquet that cannot be read is corrupt, anything else internal.
Error arrow_error(const arrow::Status& status, const std::string& path);

// A row file that cannot be read, or is not as its commit left it.
Error damaged_file(const std::string& path, const std::string& what);

}  // namespace adweave::lake
