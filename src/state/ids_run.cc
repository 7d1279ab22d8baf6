// SPDX-License-Identifier: Apache-2.0
#include "state/ids_run.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/limits.h"

namespace adweave::state {

namespace {

constexpr std::string_view kRunMagic = "AWIDRUN1";
constexpr uint64_t kHeaderBytes = 64;
constexpr uint64_t kIdBytes = sizeof(SeenId);
constexpr uint64_t kBlockBytes = 32;
constexpr size_t kBlockWords = kBlockBytes / sizeof(uint32_t);
constexpr uint64_t kKeysPerRange = 32;
constexpr int kRangeBitsMax = 32;

// Where the parts of a run of `size` ids lie.
struct Layout {
  explicit Layout(uint64_t size)
      : range_bits(std::clamp(static_cast<int>(std::bit_width(size / kKeysPerRange)) - 1, 0,
                              kRangeBitsMax)),
        starts_at(kHeaderBytes + size * kIdBytes),
        filter_at((starts_at + starts_bytes() + kHeaderBytes - 1) / kHeaderBytes * kHeaderBytes),
        filter_blocks(size * limits::kIdsFilterBits / (8 * kBlockBytes) + 1),
        checksum_at(filter_at + filter_blocks * kBlockBytes) {}

  uint64_t starts_bytes() const { return ((uint64_t{1} << range_bits) + 1) * sizeof(uint64_t); }
  uint64_t bytes() const { return checksum_at + sizeof(Hash128); }

  int range_bits;
  uint64_t starts_at;
  uint64_t filter_at;
  uint64_t filter_blocks;
  uint64_t checksum_at;
};

uint64_t range_of(const Hash128& key, int range_bits) {
  return range_bits == 0 ? 0 : key.high >> (64 - range_bits);
}

uint64_t block_of(const Hash128& key, uint64_t blocks) {
  return (key.low >> 32) * blocks >> 32;
}

// A block filter as Parquet has it: one bit of each word of a block.
std::array<uint32_t, kBlockWords> bits_of(const Hash128& key) {
  static constexpr std::array<uint32_t, kBlockWords> kSalts = {
      0x47b6137bU, 0x44974d91U, 0x8824ad5bU, 0xa2b7289dU,
      0x705495c7U, 0x2df1424bU, 0x9efc4947U, 0x5c6bfb31U};
  std::array<uint32_t, kBlockWords> bits{};
  for (size_t i = 0; i < kBlockWords; ++i)
    bits[i] = 1U << (static_cast<uint32_t>(key.low) * kSalts[i] >> 27);
  return bits;
}

// Writes a run from its head to its end, with a checksum of all that passes.
class RunWriter {
 public:
  RunWriter(File& file, uint64_t size)
      : file_(file),
        layout_(size),
        size_(size),
        starts_((uint64_t{1} << layout_.range_bits) + 1),
        filter_(layout_.filter_blocks * kBlockWords) {
    put(kRunMagic);
    put({reinterpret_cast<const char*>(&size), sizeof size});
    buffer_.resize(kHeaderBytes, '\0');
  }

  Status add(std::span<const SeenId> ids) {
    for (const SeenId& id : ids) {
      ++starts_[range_of(id.key, layout_.range_bits) + 1];
      uint32_t* block = &filter_[block_of(id.key, layout_.filter_blocks) * kBlockWords];
      const auto bits = bits_of(id.key);
      for (size_t i = 0; i < kBlockWords; ++i) block[i] |= bits[i];
    }
    added_ += ids.size();
    put({reinterpret_cast<const char*>(ids.data()), ids.size_bytes()});
    return static_cast<int64_t>(buffer_.size()) < limits::kWriteBufferBytes ? Status() : flush();
  }

  Status finish() {
    CHECK(added_ == size_);
    for (size_t i = 1; i < starts_.size(); ++i) starts_[i] += starts_[i - 1];
    put({reinterpret_cast<const char*>(starts_.data()), starts_.size() * sizeof(uint64_t)});
    buffer_.append(layout_.filter_at - layout_.starts_at - layout_.starts_bytes(), '\0');
    put({reinterpret_cast<const char*>(filter_.data()), filter_.size() * sizeof(uint32_t)});
    ADWEAVE_TRY(flush());
    const Hash128 checksum = hasher_.digest();
    ADWEAVE_TRY(file_.write({reinterpret_cast<const char*>(&checksum), sizeof checksum}));
    ADWEAVE_TRY(file_.sync());
    return file_.close();
  }

 private:
  void put(std::string_view bytes) { buffer_.append(bytes); }
  Status flush() {
    hasher_.update(buffer_);
    Status written = file_.write(buffer_);
    buffer_.clear();
    return written;
  }

  File& file_;
  Layout layout_;
  uint64_t size_;
  uint64_t added_ = 0;
  std::vector<uint64_t> starts_;
  std::vector<uint32_t> filter_;
  std::string buffer_;
  Hasher128 hasher_;
};

Error damaged(const std::string& path, const char* what) {
  return {ErrorCode::corrupt, path + ": " + what, "none is needed: it is rebuilt from the lake"};
}

// The checksum of a file whose bytes before it match it.
Result<Hash128> read_checksum(const File& file, int64_t bytes, const std::string& path) {
  Hasher128 hasher;
  std::string buffer(static_cast<size_t>(limits::kWriteBufferBytes), '\0');
  for (int64_t offset = 0; offset < bytes;) {
    const int64_t wanted = std::min(limits::kWriteBufferBytes, bytes - offset);
    ADWEAVE_ASSIGN(const int64_t read, file.read_at(offset, buffer.data(), wanted));
    if (read < wanted) return damaged(path, "is cut off");
    hasher.update(std::string_view(buffer).substr(0, static_cast<size_t>(read)));
    offset += read;
  }
  Hash128 checksum;
  ADWEAVE_ASSIGN(const int64_t read,
                 file.read_at(bytes, reinterpret_cast<char*>(&checksum), sizeof checksum));
  if (read < static_cast<int64_t>(sizeof checksum)) return damaged(path, "is cut off");
  if (hasher.digest() != checksum) return damaged(path, "its checksum does not hold");
  return checksum;
}

Result<RunName> check_run(const FileSystem& fs, const std::string& path, const std::string& name) {
  ADWEAVE_ASSIGN(const std::unique_ptr<File> file, fs.open(path));
  ADWEAVE_ASSIGN(const FileInfo info, fs.info(path));
  std::array<char, kHeaderBytes> head{};
  ADWEAVE_ASSIGN(const int64_t read, file->read_at(0, head.data(), kHeaderBytes));
  if (read < static_cast<int64_t>(kHeaderBytes) ||
      !std::string_view(head.data(), read).starts_with(kRunMagic))
    return damaged(path, "is no run of ids");
  RunName run{name, 0, {}};
  std::memcpy(&run.size, head.data() + kRunMagic.size(), sizeof run.size);
  const auto bytes = static_cast<uint64_t>(info.size);
  if (run.size > bytes / kIdBytes || Layout(run.size).bytes() != bytes)
    return damaged(path, "is not as long as its head says");
  ADWEAVE_ASSIGN(run.checksum,
                 read_checksum(*file, static_cast<int64_t>(Layout(run.size).checksum_at), path));
  return run;
}

}  // namespace

IdsRun::IdsRun(RunName name, std::unique_ptr<MappedFile> file)
    : name_(std::move(name)), file_(std::move(file)), bytes_(file_->bytes().data()) {
  const Layout layout(name_.size);
  range_bits_ = layout.range_bits;
  starts_at_ = layout.starts_at;
  filter_at_ = layout.filter_at;
  filter_blocks_ = layout.filter_blocks;
}

Result<std::unique_ptr<IdsRun>> IdsRun::open(const FileSystem& fs, const std::string& folder,
                                             const std::string& name) {
  const std::string path = join_path(folder, name);
  ADWEAVE_ASSIGN(RunName run, check_run(fs, path, name));
  ADWEAVE_ASSIGN(std::unique_ptr<MappedFile> file, fs.map(path));
  if (file->bytes().size() != Layout(run.size).bytes())
    return damaged(path, "has changed while it was read");
  return std::unique_ptr<IdsRun>(new IdsRun(std::move(run), std::move(file)));
}

int64_t IdsRun::filter_bytes() const {
  return static_cast<int64_t>(filter_blocks_ * kBlockBytes);
}

SeenId IdsRun::operator[](uint64_t number) const {
  SeenId id;
  std::memcpy(&id, bytes_ + kHeaderBytes + number * kIdBytes, sizeof id);
  return id;
}

uint64_t IdsRun::begin_of(uint64_t range) const {
  uint64_t begin = 0;
  std::memcpy(&begin, bytes_ + starts_at_ + range * sizeof begin, sizeof begin);
  return begin;
}

std::optional<Seen> IdsRun::find(const Hash128& key) const {
  std::array<uint32_t, kBlockWords> block{};
  std::memcpy(&block, bytes_ + filter_at_ + block_of(key, filter_blocks_) * kBlockBytes,
              kBlockBytes);
  const auto bits = bits_of(key);
  uint32_t missing = 0;
  for (size_t i = 0; i < kBlockWords; ++i) missing |= bits[i] & ~block[i];
  if (missing != 0) return std::nullopt;
  const uint64_t range = range_of(key, range_bits_);
  uint64_t begin = begin_of(range);
  uint64_t end = begin_of(range + 1);
  while (begin < end) {
    const uint64_t middle = begin + (end - begin) / 2;
    const SeenId id = (*this)[middle];
    if (id.key == key) return id.seen;
    (id.key < key ? begin : end) = id.key < key ? middle + 1 : middle;
  }
  return std::nullopt;
}

void IdsRun::prefetch(const Hash128& key) const {
  __builtin_prefetch(bytes_ + filter_at_ + block_of(key, filter_blocks_) * kBlockBytes);
}

Result<std::unique_ptr<IdsRun>> write_run(FileSystem& fs, const std::string& folder,
                                          const std::string& name, uint64_t size,
                                          const std::function<Status(const TakeIds&)>& give) {
  ADWEAVE_TRY(make_dirs(fs, folder));
  const std::string path = join_path(folder, name);
  const std::string temporary = path + ".new";
  if (fs.exists(temporary)) ADWEAVE_TRY(fs.unlink(temporary));
  ADWEAVE_ASSIGN(const std::unique_ptr<File> file, fs.create_exclusive(temporary));
  RunWriter writer(*file, size);
  ADWEAVE_TRY(give([&](std::span<const SeenId> ids) { return writer.add(ids); }));
  ADWEAVE_TRY(writer.finish());
  ADWEAVE_TRY(fs.rename(temporary, path));
  ADWEAVE_TRY(fs.sync_dir(folder));
  return IdsRun::open(fs, folder, name);
}

Result<std::unique_ptr<IdsRun>> merge_runs(FileSystem& fs, const std::string& folder,
                                           const std::string& name,
                                           const std::vector<const IdsRun*>& runs) {
  struct Head {
    const IdsRun* run;
    uint64_t next;
    SeenId id;
  };
  std::vector<Head> heads;
  uint64_t size = 0;
  for (const IdsRun* run : runs) {
    size += run->size();
    if (run->size() > 0) heads.push_back({run, 1, (*run)[0]});
  }
  return write_run(fs, folder, name, size, [&](const TakeIds& take) -> Status {
    std::vector<SeenId> ids;
    while (!heads.empty()) {
      const auto least =
          std::min_element(heads.begin(), heads.end(),
                           [](const Head& a, const Head& b) { return a.id.key < b.id.key; });
      ids.push_back(least->id);
      if (least->next == least->run->size()) {
        heads.erase(least);
      } else {
        least->id = (*least->run)[least->next++];
      }
      if (ids.size() < limits::kIdsMergeStep && !heads.empty()) continue;
      ADWEAVE_TRY(take(ids));
      ids.clear();
    }
    return {};
  });
}

}  // namespace adweave::state
