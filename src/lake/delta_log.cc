// SPDX-License-Identifier: Apache-2.0
#include "lake/delta_log.h"

#include <algorithm>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/numbered_name.h"
#include "lake/delta_checkpoint.h"
#include "lake/delta_stats.h"

namespace adweave::lake {

namespace {

constexpr std::string_view kVersionSuffix = ".json";
constexpr std::string_view kCheckpointSuffix = ".checkpoint.parquet";
constexpr std::string_view kCheckpointHashSuffix = ".checkpoint.hash128";
constexpr std::string_view kTemporaryPrefix = ".tmp.";

Error damaged(const std::string& path, const std::string& what) {
  return {ErrorCode::corrupt, path + " " + what,
          "the ledger is not touched by it; adweave repair makes the log readable again"};
}

// Our own versions end their first line with a checksum of the whole version, in which it is itself
// all zeros.
constexpr std::string_view kChecksumMember = ",\"checksum\":\"";
constexpr std::string_view kChecksumEnd = "\"}}\n";
constexpr size_t kChecksumDigits = 32;

// Where the digits of a version's checksum begin; none in another program's version.
std::optional<size_t> checksum_at(std::string_view version) {
  const size_t line = version.find('\n') + 1;
  const size_t tail = kChecksumMember.size() + kChecksumDigits + kChecksumEnd.size();
  if (line < tail) return std::nullopt;
  const std::string_view end = version.substr(line - tail, tail);
  if (!end.starts_with(kChecksumMember) || !end.ends_with(kChecksumEnd)) return std::nullopt;
  return line - tail + kChecksumMember.size();
}

std::string checksum_of(std::string version, size_t at) {
  version.replace(at, kChecksumDigits, kChecksumDigits, '0');
  return to_hex(hash128(version));
}

// Whether a version is whole and as it was written.
Status check_version(const std::string& path, const std::string& text) {
  if (!text.ends_with('\n')) return damaged(path, text.empty() ? "is empty" : "is torn");
  const auto at = checksum_at(text);
  if (at && text.substr(*at, kChecksumDigits) != checksum_of(text, *at))
    return damaged(path, "does not have its checksum");
  return {};
}

// Numbers of the versions and checkpoints in a log, ascending.
struct Listing {
  std::vector<int64_t> versions;
  std::vector<int64_t> checkpoints;
};

Result<Listing> list_log(const FileSystem& fs, const std::string& log) {
  Listing listing;
  if (!fs.exists(log)) return listing;
  ADWEAVE_ASSIGN(const std::vector<std::string> names, fs.list(log));
  for (const std::string& name : names) {
    if (const auto version = number_in_name(name, kVersionSuffix))
      listing.versions.push_back(*version);
    if (const auto version = number_in_name(name, kCheckpointSuffix))
      listing.checkpoints.push_back(*version);
  }
  return listing;
}

std::string app_id(const std::string& ledger_id) {
  return "adweave/" + ledger_id;
}

// A table's id is the same whenever it is made: 32 hexadecimal digits as a UUID.
std::string table_id(const std::string& ledger_id, std::string_view table) {
  const std::string hex = to_hex(hash128(ledger_id + "/" + std::string(table)));
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20));
}

std::string schema_string(const event::TableInfo& table) {
  JsonValue::Array fields;
  const auto add = [&](std::string_view name, std::string_view type, bool nullable) {
    fields.emplace_back(JsonValue::Object{
        {"name", name}, {"type", type}, {"nullable", nullable}, {"metadata", JsonValue::Object()}});
  };
  for (const event::ColumnInfo& column : table.columns)
    add(column.name, delta_type(column.type), !column.required);
  add("dt", "date", true);
  return JsonValue(JsonValue::Object{{"type", "struct"}, {"fields", std::move(fields)}}).dump();
}

JsonValue action(const char* kind, JsonValue body) {
  return JsonValue::Object{{kind, std::move(body)}};
}

std::string path_of(const JsonValue& body) {
  const JsonValue* path = body.find("path");
  return path != nullptr && path->as_string() != nullptr ? *path->as_string() : "";
}

int64_t number_in(const JsonValue& body, std::string_view name) {
  const JsonValue* number = body.find(name);
  return number != nullptr && number->as_int() != nullptr ? *number->as_int() : 0;
}

// What _last_checkpoint says of a checkpoint of `bytes` bytes.
std::string hint_of(int64_t version, int64_t bytes, const std::vector<JsonValue>& actions) {
  const auto files = std::count_if(actions.begin(), actions.end(), [](const JsonValue& action) {
    return action.find("add") != nullptr;
  });
  const JsonValue hint = JsonValue::Object{{"version", version},
                                           {"size", static_cast<int64_t>(actions.size())},
                                           {"sizeInBytes", bytes},
                                           {"numOfAddFiles", static_cast<int64_t>(files)}};
  return hint.dump() + "\n";
}

JsonValue::Object parameters_of(const DeltaChange& change) {
  if (!change.rows_change) return {{"predicate", "[]"}};
  return {{"mode", "Append"}, {"partitionBy", "[\"dt\"]"}};
}

}  // namespace

std::string path_in_table(const event::DataFile& file) {
  const std::string folder = "lake/" + file.table + "/";
  const std::string path = file.is_sealed() ? event::published_path(file) : file.path;
  CHECK(path.starts_with(folder));
  return path.substr(folder.size());
}

DeltaLog::DeltaLog(const std::string& dir, const event::TableInfo& table)
    : dir_(dir),
      table_(&table),
      folder_(join_path(dir, "lake/" + std::string(table.name))),
      log_(join_path(folder_, "_delta_log")) {}

std::string DeltaLog::version_path(int64_t version) const {
  return join_path(log_, fmt::format("{:020}{}", version, kVersionSuffix));
}

std::string DeltaLog::checkpoint_path(int64_t version) const {
  return join_path(log_, fmt::format("{:020}{}", version, kCheckpointSuffix));
}

// Hidden, as no Delta file is called.
std::string DeltaLog::checkpoint_hash_path(int64_t version) const {
  return join_path(log_, fmt::format(".{:020}{}", version, kCheckpointHashSuffix));
}

Result<DeltaLog> DeltaLog::open(const FileSystem& fs, const std::string& dir,
                                const event::TableInfo& table) {
  DeltaLog log(dir, table);
  ADWEAVE_ASSIGN(const Listing listing, list_log(fs, log.log_));
  if (!listing.checkpoints.empty())
    ADWEAVE_TRY(log.read_checkpoint(fs, listing.checkpoints.back()));
  for (const int64_t version : listing.versions) {
    if (version <= log.version_) continue;
    if (version != log.version_ + 1)
      return damaged(log.version_path(log.version_ + 1), "is missing, though later versions exist");
    ADWEAVE_TRY(log.read_version(fs, version));
  }
  return log;
}

Result<DeltaLog> DeltaLog::restart(const FileSystem& fs, const std::string& dir,
                                   const event::TableInfo& table) {
  DeltaLog log(dir, table);
  ADWEAVE_ASSIGN(const Listing listing, list_log(fs, log.log_));
  for (const auto* versions : {&listing.versions, &listing.checkpoints}) {
    if (!versions->empty()) log.version_ = std::max(log.version_, versions->back());
  }
  return log;
}

bool DeltaLog::is_newest(const FileSystem& fs) const {
  const bool is_there = version_ < 0 || fs.exists(version_path(version_));
  return is_there && !fs.exists(version_path(version_ + 1));
}

int64_t DeltaLog::through(const std::string& ledger_id) const {
  const auto it = transactions_.find(app_id(ledger_id));
  return it == transactions_.end() ? 0 : number_in(it->second, "version");
}

std::vector<std::string> DeltaLog::paths() const {
  std::vector<std::string> paths;
  for (const auto& [path, file] : files_) paths.push_back(path);
  return paths;
}

Status DeltaLog::read_checkpoint(const FileSystem& fs, int64_t version) {
  const std::string path = checkpoint_path(version);
  ADWEAVE_TRY(check_checkpoint(fs, version));
  const auto actions = read_delta_checkpoint(fs, path);
  if (!actions) return damaged(path, "cannot be read: " + actions.error().message);
  for (const JsonValue& action : *actions) apply(action);
  if (protocol_.is_null() || metadata_.is_null()) return damaged(path, "is no Delta checkpoint");
  version_ = version;
  timestamp_ = number_in(metadata_, "createdTime");
  return {};
}

// Whether a checkpoint is as it was written; another program's has no hash.
Status DeltaLog::check_checkpoint(const FileSystem& fs, int64_t version) const {
  const std::string path = checkpoint_path(version);
  const Result<std::string> stated = read_file(fs, checkpoint_hash_path(version), limits::kKiB);
  if (!stated && stated.error().code == ErrorCode::not_found) return {};
  if (!stated) return stated.error();
  ADWEAVE_ASSIGN(const std::string bytes, read_file(fs, path, limits::kSnapshotBytesMax));
  return to_hex(hash128(bytes)) + "\n" == *stated ? Status()
                                                  : damaged(path, "does not have its checksum");
}

Status DeltaLog::read_version(const FileSystem& fs, int64_t version) {
  const std::string path = version_path(version);
  ADWEAVE_ASSIGN(const std::string text, read_file(fs, path, limits::kCommitRecordBytesMax));
  ADWEAVE_TRY(check_version(path, text));
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    const auto action = parse_json(std::string_view(text).substr(begin, end - begin));
    if (!action) return damaged(path, "is no Delta commit: " + action.error().message);
    apply(*action);
    begin = end + 1;
  }
  version_ = version;
  return {};
}

void DeltaLog::apply(const JsonValue& action) {
  if (const JsonValue* add = action.find("add")) {
    tombstones_.erase(path_of(*add));
    files_[path_of(*add)] = *add;
  }
  if (const JsonValue* remove = action.find("remove")) {
    files_.erase(path_of(*remove));
    tombstones_[path_of(*remove)] = *remove;
  }
  if (const JsonValue* txn = action.find("txn")) {
    const Result<std::string> id = txn->string_at("appId");
    if (id) transactions_[*id] = *txn;
  }
  if (const JsonValue* metadata = action.find("metaData")) metadata_ = *metadata;
  if (const JsonValue* protocol = action.find("protocol")) protocol_ = *protocol;
  if (const JsonValue* info = action.find("commitInfo"))
    timestamp_ = std::max(timestamp_, number_in(*info, "timestamp"));
}

JsonValue::Object DeltaLog::metadata(const DeltaChange& change) const {
  const int64_t created = number_in(metadata_, "createdTime");
  return {{"id", table_id(change.ledger_id, table_->name)},
          {"format", JsonValue::Object{{"provider", "parquet"}, {"options", JsonValue::Object()}}},
          {"schemaString", schema_string(*table_)},
          {"partitionColumns", JsonValue::Array{"dt"}},
          {"configuration", JsonValue::Object()},
          {"createdTime", created != 0 ? created : change.now / kMicrosPerMilli}};
}

// The lines of the next version.
Result<std::vector<JsonValue>> DeltaLog::actions_of(const FileSystem& fs,
                                                    const DeltaChange& change) const {
  const int64_t now = std::max(change.now / kMicrosPerMilli, timestamp_ + 1);
  JsonValue::Object said = {{"timestamp", now},
                            {"operation", change.rows_change ? "WRITE" : "OPTIMIZE"},
                            {"operationParameters", parameters_of(change)},
                            {"isBlindAppend", change.removed.empty() && change.rows_change},
                            {"engineInfo", "adweave"}};
  if (version_ >= 0) said.emplace_back("readVersion", version_);
  said.emplace_back("checksum", std::string(kChecksumDigits, '0'));
  std::vector<JsonValue> actions = {action("commitInfo", std::move(said))};
  if (protocol_.is_null()) {
    actions.push_back(
        action("protocol", JsonValue::Object{{"minReaderVersion", 1}, {"minWriterVersion", 2}}));
  }
  JsonValue described = metadata(change);
  if (described.dump() != metadata_.dump())
    actions.push_back(action("metaData", std::move(described)));
  actions.push_back(action("txn", JsonValue::Object{{"appId", app_id(change.ledger_id)},
                                                    {"version", change.through},
                                                    {"lastUpdated", now}}));
  for (const std::string& path : change.removed) {
    const auto known = files_.find(path);
    if (known == files_.end()) continue;
    const JsonValue* partition = known->second.find("partitionValues");
    actions.push_back(action(
        "remove", JsonValue::Object{{"path", path},
                                    {"deletionTimestamp", now},
                                    {"dataChange", change.rows_change},
                                    {"extendedFileMetadata", true},
                                    {"partitionValues", partition ? *partition : JsonValue()},
                                    {"size", number_in(known->second, "size")}}));
  }
  for (const event::DataFile& file : change.added) {
    ADWEAVE_ASSIGN(const FileInfo info, fs.info(join_path(dir_, file.path)));
    ADWEAVE_ASSIGN(std::string stats, delta_stats(fs, dir_, *table_, file));
    actions.push_back(
        action("add", JsonValue::Object{{"path", path_in_table(file)},
                                        {"partitionValues", JsonValue::Object{{"dt", file.date}}},
                                        {"size", file.bytes},
                                        {"modificationTime", info.modified_us / kMicrosPerMilli},
                                        {"dataChange", change.rows_change},
                                        {"stats", std::move(stats)}}));
  }
  return actions;
}

Status DeltaLog::publish(FileSystem& fs, const DeltaChange& change) {
  ADWEAVE_ASSIGN(const std::vector<JsonValue> actions, actions_of(fs, change));
  std::string bytes;
  for (const JsonValue& action : actions) bytes += action.dump() + "\n";
  const auto at = checksum_at(bytes);
  CHECK(at);
  bytes.replace(*at, kChecksumDigits, checksum_of(bytes, *at));
  ADWEAVE_TRY(make_dirs(fs, log_));
  ADWEAVE_TRY(link_version(fs, change.epoch, bytes));
  for (const JsonValue& action : actions) apply(action);
  ++version_;
  const bool due = version_ > 0 && version_ % limits::kDeltaCheckpointEvery == 0;
  return due ? write_checkpoint(fs, change.now) : Status();
}

// The next version is there whole and synced, or not at all.
Status DeltaLog::link_version(FileSystem& fs, int64_t epoch, std::string_view bytes) const {
  const std::string temporary = join_path(log_, fmt::format("{}{}", kTemporaryPrefix, epoch));
  if (fs.exists(temporary)) ADWEAVE_TRY(fs.unlink(temporary));
  ADWEAVE_TRY(write_synced(fs, temporary, bytes));
  ADWEAVE_TRY(fs.link(temporary, version_path(version_ + 1)));
  ADWEAVE_TRY(fs.sync_dir(log_));
  return fs.unlink(temporary);
}

Status DeltaLog::write_checkpoint(FileSystem& fs, int64_t now) {
  // Other programs' VACUUM does not see what lies in a folder with such a name.
  const auto grace = [](const std::string& path) {
    return path.starts_with('_') ? limits::kMergedGraceUs : limits::kDeltaTombstoneUs;
  };
  std::erase_if(tombstones_, [&](const auto& entry) {
    const int64_t oldest = (now - grace(entry.first)) / kMicrosPerMilli;
    return number_in(entry.second, "deletionTimestamp") < oldest;
  });
  std::vector<JsonValue> actions = {action("protocol", protocol_), action("metaData", metadata_)};
  for (const auto& [id, transaction] : transactions_) actions.push_back(action("txn", transaction));
  const auto add_all = [&](const char* kind, const std::map<std::string, JsonValue>& bodies) {
    for (const auto& [path, body] : bodies) {
      JsonValue::Object quiet = *body.as_object();
      for (auto& [name, value] : quiet) {
        if (name == "dataChange") value = false;
      }
      actions.push_back(action(kind, std::move(quiet)));
    }
  };
  add_all("add", files_);
  add_all("remove", tombstones_);
  const std::string temporary = join_path(log_, std::string(kTemporaryPrefix) + "checkpoint");
  ADWEAVE_ASSIGN(const std::string bytes, delta_checkpoint(actions));
  // The hash first: a checkpoint is never without it. One whose checkpoint is missing means
  // nothing.
  ADWEAVE_TRY(
      replace_file(fs, temporary, checkpoint_hash_path(version_), to_hex(hash128(bytes)) + "\n"));
  ADWEAVE_TRY(replace_file(fs, temporary, checkpoint_path(version_), bytes));
  const auto size = static_cast<int64_t>(bytes.size());
  ADWEAVE_TRY(replace_file(fs, temporary, join_path(log_, "_last_checkpoint"),
                           hint_of(version_, size, actions)));
  return remove_expired(fs, now);
}

// Whether _last_checkpoint is as the checkpoint it names; another program's only has to name one.
Status DeltaLog::check_hint(const FileSystem& fs) const {
  const std::string path = join_path(log_, "_last_checkpoint");
  const Result<std::string> text = read_file(fs, path, limits::kMiB);
  if (!text && text.error().code == ErrorCode::not_found) return {};
  if (!text) return text.error();
  const auto hint = parse_json(*text);
  const auto version = hint ? hint->int_at("version") : Result<int64_t>(hint.error());
  if (!version) return damaged(path, "is no hint: " + version.error().message);
  const Result<FileInfo> info = fs.info(checkpoint_path(*version));
  if (!info) return damaged(path, "names a checkpoint that is not there");
  if (!fs.exists(checkpoint_hash_path(*version))) return {};
  ADWEAVE_ASSIGN(const std::vector<JsonValue> actions,
                 read_delta_checkpoint(fs, checkpoint_path(*version)));
  const bool same = hint_of(*version, info->size, actions) == *text;
  return same ? Status() : damaged(path, "is not as it was written");
}

std::vector<std::string> DeltaLog::verify(const FileSystem& fs) const {
  std::vector<std::string> problems;
  const auto note = [&](const Status& status) {
    if (!status) problems.push_back(status.error().message);
  };
  const Result<Listing> listing = list_log(fs, log_);
  if (!listing) return {listing.error().message};
  for (const int64_t version : listing->versions) {
    const auto text = read_file(fs, version_path(version), limits::kCommitRecordBytesMax);
    note(text ? check_version(version_path(version), *text) : Status(text.error()));
  }
  for (const int64_t version : listing->checkpoints) note(check_checkpoint(fs, version));
  note(check_hint(fs));
  for (const auto& [path, add] : files_) {
    const Result<FileInfo> info = fs.info(join_path(folder_, path));
    if (!info || info->size != number_in(add, "size"))
      problems.push_back(log_ + " names " + path + ", which is not there as it says");
  }
  return problems;
}

// What the newest checkpoint makes superfluous and is old enough, or too far back, to be missed.
Status DeltaLog::remove_expired(FileSystem& fs, int64_t now) const {
  ADWEAVE_ASSIGN(const Listing listing, list_log(fs, log_));
  const auto is_expired = [&](int64_t version, const std::string& path) -> Result<bool> {
    ADWEAVE_ASSIGN(const FileInfo info, fs.info(path));
    return version < version_ && (info.modified_us < now - limits::kDeltaLogUs ||
                                  version < version_ - limits::kDeltaVersionsMax);
  };
  // They are in ascending order: none follows one that stays.
  for (const int64_t version : listing.versions) {
    ADWEAVE_ASSIGN(const bool expired, is_expired(version, version_path(version)));
    if (!expired) break;
    ADWEAVE_TRY(fs.unlink(version_path(version)));
  }
  for (const int64_t version : listing.checkpoints) {
    ADWEAVE_ASSIGN(const bool expired, is_expired(version, checkpoint_path(version)));
    if (!expired) break;
    ADWEAVE_TRY(remove_checkpoint(fs, version));
  }
  return {};
}

Status DeltaLog::remove_checkpoint(FileSystem& fs, int64_t version) const {
  ADWEAVE_TRY(fs.unlink(checkpoint_path(version)));
  const std::string hash = checkpoint_hash_path(version);
  return fs.exists(hash) ? fs.unlink(hash) : Status();
}

Status DeltaLog::remove_damaged(FileSystem& fs) const {
  ADWEAVE_ASSIGN(const Listing listing, list_log(fs, log_));
  for (const int64_t version : listing.versions) {
    const std::string path = version_path(version);
    const auto text = read_file(fs, path, limits::kCommitRecordBytesMax);
    const bool sound = text && check_version(path, *text);
    if (version < version_ && !sound) ADWEAVE_TRY(fs.unlink(path));
  }
  for (const int64_t version : listing.checkpoints) {
    if (version < version_ && !check_checkpoint(fs, version))
      ADWEAVE_TRY(remove_checkpoint(fs, version));
  }
  return {};
}

}  // namespace adweave::lake
