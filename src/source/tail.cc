// SPDX-License-Identifier: Apache-2.0
#include "source/tail.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/limits.h"

namespace adweave::source {

namespace {

// In how much of the bytes before their end single records are looked for.
constexpr int64_t kTailCutBytes = 64 * limits::kKiB;

// Compressed, by its name.
bool is_packed(std::string_view name) {
  constexpr std::array<std::string_view, 4> kEnds = {".gz", ".zst", ".bz2", ".xz"};
  return std::any_of(kEnds.begin(), kEnds.end(),
                     [&](std::string_view end) { return name.ends_with(end); });
}

// Up to `size` bytes at `offset`, or what there is.
Result<std::string> bytes_at(const File& file, int64_t offset, int64_t size) {
  std::string bytes;
  while (static_cast<int64_t>(bytes.size()) < size) {
    const auto have = static_cast<int64_t>(bytes.size());
    const int64_t most = std::min(size - have, limits::kContentReadBytes);
    bytes.resize(static_cast<size_t>(have + most));
    ADWEAVE_ASSIGN(const int64_t read, file.read_at(offset + have, bytes.data() + have, most));
    bytes.resize(static_cast<size_t>(have + read));
    if (read < most) break;
  }
  return bytes;
}

// Length of the whole records; all of it at the file's end, or when not even one has room.
size_t records_in(event::RecordCutter& cutter, std::string_view bytes, bool at_end, int64_t most) {
  if (at_end) return bytes.size();
  const auto size = static_cast<int64_t>(bytes.size());
  const int64_t begin =
      cutter.cut(bytes, std::max<int64_t>(size - kTailCutBytes, 1), false).value_or(0);
  const int64_t whole = begin + whole_records(cutter, bytes.substr(static_cast<size_t>(begin)));
  return static_cast<size_t>(whole == 0 && size == most ? size : whole);
}

}  // namespace

Tail::Tail(const FileSystem& fs, TailSource source, const std::vector<TailPosition>& known,
           std::function<void(const Error&)> trouble)
    : fs_(fs),
      source_(std::move(source)),
      trouble_(std::move(trouble)),
      cutter_(source_.format.cutter()) {
  for (const TailPosition& position : known) {
    Followed& file = files_.emplace_back();
    file.position = position;
    file.is_renamed = position.is_done;
    file.path =
        position.name.starts_with('/') ? position.name : join_path(source_.folder, position.name);
  }
}

void Tail::tell(const Followed& file, const std::string& what, const std::string& fix) {
  trouble_({ErrorCode::io, "source " + source_.name + ": " + file.position.name + " " + what, fix});
}

void Tail::look(int64_t steady_us) {
  now_ = steady_us;
  find_named();
  for (Followed& file : files_) {
    if (!is_named(file)) find_renamed(file);
    const bool is_due = !file.position.is_done || file.has_more;
    if (!file.file && file.is_there && is_due) open(file);
  }
  std::erase_if(files_, [&](Followed& file) { return is_over(file); });
}

void Tail::find_named() {
  for (const std::string& pattern : source_.patterns) {
    const auto found = find_files(fs_, source_.folder, {&pattern, 1});
    if (!found && found.error().code != ErrorCode::not_found) trouble_(found.error());
    if (!found) continue;  // it may come
    for (const SourceFile& each : *found) {
      if (is_packed(each.name)) continue;
      Followed* file = known_as(each);
      if (file == nullptr) {
        file = &files_.emplace_back();
        file->position.source = source_.name;
        file->position.number = each.number;
        file->position.name = each.name;
        file->path = each.path;
        file->position.head = hash128("");
      }
      file->named_at = now_;
      if (file->path != each.path) rename(*file, each.path, each.name);
      see(*file, each.size, each.modified_us);
    }
  }
}

// Unless it has both names.
void Tail::rename(Followed& file, const std::string& path, const std::string& name) {
  const Result<FileInfo> info = fs_.info(file.path);
  if (info && info->number == file.position.number) return;
  file.path = path;
  file.position.name = name;
  file.is_renamed = true;
  file.changed_at = now_;
}

// The file of that number in its folder, or one that was moved from another folder.
Tail::Followed* Tail::known_as(const SourceFile& found) {
  for (Followed& file : files_) {
    if (file.position.number != found.number) continue;
    if (parent_path(file.path) == parent_path(found.path)) return &file;
    const Result<FileInfo> info = fs_.info(file.path);
    if (info && info->number == found.number) continue;  // another device's
    if (is_now(file, found.path)) return &file;
  }
  return nullptr;
}

// Whether that path has it. Equal numbers say nothing: the path may be on another device.
bool Tail::is_now(const Followed& file, const std::string& path) const {
  const auto opened = fs_.open(path);
  if (!opened) return false;
  if (!file.file) return file.position.after > 0 && begins_as_before(**opened, file.position);
  const auto before = bytes_at(*file.file, 0, kTailHeadBytes);
  const auto now = bytes_at(**opened, 0, kTailHeadBytes);
  return before && now && now->starts_with(*before);
}

void Tail::see(Followed& file, int64_t size, int64_t modified_us) {
  file.is_there = true;
  if (file.size == size && file.modified_us == modified_us) return;
  file.size = size;
  file.modified_us = modified_us;
  file.changed_at = now_;
  file.has_more = true;
}

// Under its path or, when another file has that now, under another name in its folder.
void Tail::find_renamed(Followed& file) {
  const auto is_it = [&](const Result<FileInfo>& info) {
    if (!info || info->number != file.position.number) return false;
    see(file, info->size, info->modified_us);
    return true;
  };
  if (is_it(fs_.info(file.path))) return;
  file.is_there = false;
  const std::string folder = parent_path(file.path);
  const Result<std::vector<std::string>> names = fs_.list(folder);
  if (!names) return;
  for (const std::string& name : *names) {
    if (!is_it(fs_.info(join_path(folder, name)))) continue;
    const std::string& before = file.position.name;
    return rename(file, join_path(folder, name), before.substr(0, before.rfind('/') + 1) + name);
  }
}

// Whether nothing can come of it any more.
bool Tail::is_over(Followed& file) {
  // Longer than a rotation may take, within which it is under neither name.
  if (file.is_there || file.file || file.seen_at == 0) file.seen_at = now_;
  if (now_ - file.seen_at < kTailRestUs) return false;
  if (!file.position.is_done && file.is_plain) {
    ++lost_;
    tell(file,
         "is gone: what was written to it after byte " + std::to_string(file.position.after) +
             " has not been read",
         "if it was compressed, write that part of it to a new file that the source follows");
  }
  return true;
}

void Tail::open(Followed& file) {
  if (!file.is_plain) return;
  Result<std::unique_ptr<File>> opened = fs_.open(file.path);
  if (!opened && opened.error().code != ErrorCode::not_found) trouble_(opened.error());
  if (!opened) return;
  const Result<FileInfo> info = fs_.info(file.path);
  if (!info || info->number != file.position.number) return;  // it has just been renamed
  file.file = *std::move(opened);
  const bool is_it = begins_as_before(*file.file, file.position);
  if (is_it && file.size > file.position.after) file.position.is_done = false;
  if (!is_it && is_named(file)) begin_anew(file);
  if (is_it || is_named(file)) return;
  file.file.reset();  // one that nobody named has got the number of a file that is gone
  file.is_there = false;
}

// Whether what was read of it is there, by its first bytes and its length.
bool Tail::begins_as_before(const File& file, const TailPosition& position) const {
  if (position.after == 0) return true;
  const Result<std::string> head = bytes_at(file, 0, std::min(position.after, kTailHeadBytes));
  char last = 0;
  const Result<int64_t> reaches = file.read_at(position.after - 1, &last, 1);
  return head && reaches && *reaches == 1 && hash128(*head) == position.head;
}

// In place, or as another file that has got the number of one that was done.
void Tail::begin_anew(Followed& file) {
  if (!file.position.is_done) {
    ++begun_anew_;
    tell(file,
         "has begun anew: what was written to it after byte " +
             std::to_string(file.position.after) + " and before that has not been read",
         "rotate files by renaming them (logrotate: create), which loses nothing");
  }
  file.position.after = 0;
  file.position.head = hash128("");
  file.position.is_done = false;
  file.is_renamed = false;
  file.head.reset();
  file.has_more = true;
}

bool Tail::is_finished(const Followed& file) const {
  const int64_t named_at = file.is_renamed ? 0 : file.named_at;
  return now_ - std::max(file.changed_at, named_at) >= kTailRestUs;
}

// What each of its deliveries begins with. False: it is not written yet, or never will be.
Result<bool> Tail::know_head(Followed& file) {
  if (file.head) return true;
  for (int64_t bytes = limits::kHeadReadBytes;; bytes *= 2) {
    ADWEAVE_ASSIGN(const std::string start, bytes_at(*file.file, 0, bytes));
    if (start.empty()) return false;
    const bool is_all = static_cast<int64_t>(start.size()) < bytes;
    if (source_.format.content(start) && !source_.format.content("")) {
      file.is_plain = false;
      file.file.reset();
      tell(file, "is compressed or UTF-16, and is not followed", "name it in `files`");
      return false;
    }
    const auto head = cutter_->head(start, is_all && is_finished(file));
    if (head && !*head && is_all) return false;
    if (head && !*head && bytes < limits::kDeliveryBytesMax) continue;
    // A head that cannot be read makes each delivery a reject.
    file.head = start.substr(0, head && *head ? static_cast<size_t>(**head) : 0);
    return true;
  }
}

Result<std::optional<TailDelivery>> Tail::read(Followed& file) {
  const int64_t after = file.position.after;
  TailDelivery delivery;
  ADWEAVE_ASSIGN(const bool has_head, know_head(file));
  if (has_head) {
    const auto head = static_cast<int64_t>(file.head->size());
    const int64_t most = limits::kDeliveryBytesMax - head;
    const int64_t begin = std::max(after, head);
    ADWEAVE_ASSIGN(const std::string bytes, bytes_at(*file.file, begin, most));
    const bool at_end = is_finished(file) && static_cast<int64_t>(bytes.size()) < most;
    const size_t length = records_in(*cutter_, bytes, at_end, most);
    if (length > 0) {
      delivery.body = *file.head + bytes.substr(0, length);
      delivery.position = file.position;
      delivery.position.after = begin + static_cast<int64_t>(length);
    }
  }
  if (!delivery.body.empty()) {
    const std::string_view body = delivery.body;
    ADWEAVE_ASSIGN(
        const bool is_it,
        know_position(file, after == 0 ? body : body.substr(file.head->size()), delivery.position));
    if (is_it) {
      delivery.batch = tail_batch(delivery.position, after);
      return std::optional(std::move(delivery));
    }
    begin_anew(file);
  } else if (file.file && !begins_as_before(*file.file, file.position)) {
    begin_anew(file);
  } else {
    file.has_more = false;
    if (is_finished(file)) {
      file.position.is_done = true;
      file.file.reset();
    }
  }
  return std::optional<TailDelivery>();
}

// Fills in the head of a position behind `bytes`, which go on where the file stands. False: the
// file begins otherwise by now, and they may be of what it was or of what it is.
Result<bool> Tail::know_position(const Followed& file, std::string_view bytes,
                                 TailPosition& position) {
  const int64_t known = std::min(file.position.after, kTailHeadBytes);
  const int64_t size = std::min(position.after, kTailHeadBytes);
  ADWEAVE_ASSIGN(const std::string start, bytes_at(*file.file, 0, size));
  position.head = hash128(start);
  const std::string_view before =
      std::string_view(start).substr(0, std::min(start.size(), static_cast<size_t>(known)));
  return static_cast<int64_t>(start.size()) == size && hash128(before) == file.position.head &&
         bytes.starts_with(std::string_view(start).substr(before.size()));
}

std::vector<TailDelivery> Tail::read() {
  std::vector<TailDelivery> deliveries;
  size_t bytes = 0;
  for (size_t asked = 0; asked < files_.size(); ++asked) {
    if (bytes >= static_cast<size_t>(limits::kDeliveryBytesMax)) break;
    const size_t at = next_++ % files_.size();
    Followed& file = files_[at];
    // Of one that is gone nobody tells whether it grows.
    const bool is_due = file.has_more || !file.is_there || is_finished(file);
    if (!file.file || !is_due) continue;
    Result<std::optional<TailDelivery>> delivery = read(file);
    if (!delivery) trouble_(delivery.error());
    if (!delivery || !*delivery) continue;
    (*delivery)->file = at;
    bytes += (*delivery)->body.size();
    deliveries.push_back(**std::move(delivery));
  }
  return deliveries;
}

void Tail::took(const TailDelivery& delivery) {
  Followed& file = files_[delivery.file];
  file.position = delivery.position;
  if (!file.is_there) file.changed_at = now_;
}

std::vector<TailPosition> Tail::positions() const {
  std::vector<TailPosition> positions;
  for (const Followed& file : files_) {
    if (file.position.after > 0) positions.push_back(file.position);
  }
  return positions;
}

TailCounts Tail::counts() const {
  TailCounts counts{.begun_anew = begun_anew_, .lost = lost_};
  for (const Followed& file : files_) {
    if (!file.is_plain) continue;
    ++counts.files;
    if (file.is_there) counts.bytes_behind += std::max<int64_t>(file.size - file.position.after, 0);
  }
  return counts;
}

}  // namespace adweave::source
