// SPDX-License-Identifier: Apache-2.0
#include "lake/file_streams.h"

#include <arrow/buffer.h>

#include "base/limits.h"

namespace adweave::lake {

OutputFile::OutputFile(std::unique_ptr<File> file) : file_(std::move(file)) {}
OutputFile::~OutputFile() = default;

arrow::Status OutputFile::Write(const void* data, int64_t size) {
  const std::string_view bytes(static_cast<const char*>(data), static_cast<size_t>(size));
  hasher_.update(bytes);
  position_ += size;
  buffer_.append(bytes);
  return buffer_.size() < static_cast<size_t>(limits::kWriteBufferBytes) ? arrow::Status::OK()
                                                                         : flush();
}

arrow::Status OutputFile::flush() {
  if (buffer_.empty()) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(keep(file_->write(buffer_)));
  buffer_.clear();
  return arrow::Status::OK();
}

arrow::Status OutputFile::keep(Status status) {
  if (status) return arrow::Status::OK();
  failure_ = std::move(status).error();
  return arrow::Status::IOError(failure_->message);
}

arrow::Status OutputFile::Close() {
  if (closed_) return arrow::Status::OK();
  closed_ = true;
  ARROW_RETURN_NOT_OK(flush());
  ARROW_RETURN_NOT_OK(keep(file_->sync()));
  return keep(file_->close());
}

arrow::Status InputFile::Close() {
  file_.reset();
  return arrow::Status::OK();
}

arrow::Status InputFile::Seek(int64_t position) {
  position_ = position;
  return arrow::Status::OK();
}

arrow::Result<int64_t> InputFile::ReadAt(int64_t position, int64_t size, void* out) {
  const Result<int64_t> read = file_->read_at(position, static_cast<char*>(out), size);
  if (!read) return arrow::Status::IOError(read.error().message);
  return *read;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> InputFile::ReadAt(int64_t position, int64_t size) {
  ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(size));
  ARROW_ASSIGN_OR_RAISE(const int64_t read, ReadAt(position, size, buffer->mutable_data()));
  ARROW_RETURN_NOT_OK(buffer->Resize(read, false));
  return std::shared_ptr<arrow::Buffer>(std::move(buffer));
}

arrow::Result<int64_t> InputFile::Read(int64_t size, void* out) {
  ARROW_ASSIGN_OR_RAISE(const int64_t read, ReadAt(position_, size, out));
  position_ += read;
  return read;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> InputFile::Read(int64_t size) {
  ARROW_ASSIGN_OR_RAISE(auto buffer, ReadAt(position_, size));
  position_ += buffer->size();
  return buffer;
}

Error arrow_error(const arrow::Status& status, const std::string& path) {
  const bool data = status.IsInvalid() || status.IsSerializationError();
  return {data ? ErrorCode::corrupt : ErrorCode::io, path + ": " + status.message()};
}

Error damaged_file(const std::string& path, const std::string& what) {
  return {ErrorCode::corrupt, path + ": " + what,
          "run adweave verify; restore the file from a backup"};
}

}  // namespace adweave::lake
