// SPDX-License-Identifier: Apache-2.0
#include "event/data_file.h"

#include <charconv>

#include <fmt/format.h>

#include "base/check.h"

namespace adweave::event {

namespace {

constexpr std::string_view kSealedFolder = "/_sealed/";
constexpr std::string_view kRecentFolder = "/_recent/";
constexpr std::string_view kPrefix = "part-";
constexpr std::string_view kSuffix = ".parquet";

// Takes a number and the character after it from the front of `text`; -1 when they are not there.
int64_t take_number(std::string_view& text, char after) {
  int64_t number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() + text.size() || *end != after) return -1;
  text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
  return number;
}

}  // namespace

bool DataFile::is_sealed() const {
  return path.find(kSealedFolder) != std::string::npos;
}

std::string published_path(const DataFile& sealed) {
  const size_t at = sealed.path.find(kSealedFolder);
  CHECK(at != std::string::npos);
  return sealed.path.substr(0, at + 1) + sealed.path.substr(at + kSealedFolder.size());
}

std::string file_path(const std::string& table, const std::string& date, bool sealed, int64_t epoch,
                      int64_t commit, int64_t n) {
  return fmt::format("lake/{}{}dt={}/{}{}-{}-{}{}", table, sealed ? kSealedFolder : kRecentFolder,
                     date, kPrefix, epoch, commit, n, kSuffix);
}

int64_t epoch_of_file(std::string_view name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return -1;
  name.remove_prefix(kPrefix.size());
  const int64_t epoch = take_number(name, '-');
  const bool ours = take_number(name, '-') >= 0 && take_number(name, '.') >= 0;
  return ours ? epoch : -1;
}

}  // namespace adweave::event
