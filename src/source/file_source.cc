// SPDX-License-Identifier: Apache-2.0
#include "source/file_source.h"

#include <algorithm>

#include "base/hash.h"
#include "base/limits.h"

namespace adweave::source {

namespace {

// Hash of the first `size` bytes, hexadecimal. Fails when the file is shorter.
Result<std::string> hash_prefix(const FileSystem& fs, const std::string& path, int64_t size) {
  ADWEAVE_ASSIGN(const std::unique_ptr<File> file, fs.open(path));
  Hasher128 hasher;
  std::string buffer(static_cast<size_t>(std::min(size, limits::kMiB)), '\0');
  for (int64_t offset = 0; offset < size;) {
    const int64_t want = std::min(size - offset, limits::kMiB);
    ADWEAVE_ASSIGN(const int64_t read, file->read_at(offset, buffer.data(), want));
    if (read < want)
      return Error{ErrorCode::io, path + ": has become shorter while it was read", "run again"};
    hasher.update({buffer.data(), static_cast<size_t>(read)});
    offset += read;
  }
  return to_hex(hasher.digest());
}

}  // namespace

Result<Resume> resume_at(const FileSystem& fs, const SourceFile& file,
                         std::span<const ReadBefore> known) {
  for (const ReadBefore& before : known) {
    if (before.size == file.size && before.hash == file.hash)
      return Resume{before.after, before.complete, before};
  }
  // The longest content read under this name that the file begins with.
  Resume best;
  for (const ReadBefore& before : known) {
    if (before.file != file.name || before.size >= file.size || before.size == 0 ||
        before.after <= best.begin)
      continue;
    ADWEAVE_ASSIGN(const std::string prefix, hash_prefix(fs, file.path, before.size));
    if (prefix == before.hash) best = Resume{before.after, false, before};
  }
  return best;
}

}  // namespace adweave::source
