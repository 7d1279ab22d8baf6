// SPDX-License-Identifier: Apache-2.0
#include "source/tail_positions.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/json.h"
#include "base/limits.h"

namespace adweave::source {

namespace {

constexpr std::string_view kTailPrefix = "~tail:";  // no sender's id begins so
constexpr std::string_view kTailsVersion = "1";
constexpr int64_t kTailsBytesMax = 64 * limits::kMiB;

// Cuts off what stands before `end`; none when it is not there.
std::optional<std::string_view> take_until(std::string_view& text, char end) {
  const size_t found = text.find(end);
  if (found == std::string_view::npos) return std::nullopt;
  const std::string_view taken = text.substr(0, found);
  text.remove_prefix(found + 1);
  return taken;
}

template <class Number>
bool read_number(std::optional<std::string_view> text, Number& out, int base = 10) {
  if (!text) return false;
  const char* end = text->data() + text->size();
  const auto read = std::from_chars(text->data(), end, out, base);
  return read.ec == std::errc() && read.ptr == end;
}

JsonValue json_of(const TailPosition& position) {
  return JsonValue::Object{{"source", position.source},
                           {"name", position.name},
                           {"number", fmt::format("{:x}", position.number)},
                           {"after", position.after},
                           {"head", to_hex(position.head)},
                           {"done", position.is_done}};
}

Result<TailPosition> position_of(const JsonValue& json) {
  TailPosition position;
  ADWEAVE_ASSIGN(position.source, json.string_at("source"));
  ADWEAVE_ASSIGN(position.name, json.string_at("name"));
  ADWEAVE_ASSIGN(const std::string number, json.string_at("number"));
  ADWEAVE_ASSIGN(position.after, json.int_at("after"));
  ADWEAVE_ASSIGN(const std::string head, json.string_at("head"));
  const std::optional<Hash128> hash = parse_hex128(head);
  const JsonValue* done = json.find("done");
  const bool is_whole =
      hash && read_number(number, position.number, 16) && done != nullptr && done->as_bool();
  if (!is_whole) return Error{ErrorCode::corrupt, "a file's number, head or done is none"};
  position.head = *hash;
  position.is_done = *done->as_bool();
  return position;
}

}  // namespace

std::string tail_batch(const TailPosition& position, int64_t begin) {
  std::string id = fmt::format("{}{:x}-{}:{}-{}:", kTailPrefix, position.number,
                               to_hex(position.head), begin, position.after);
  const size_t room = static_cast<size_t>(limits::kDeliveryBatchBytesMax) - id.size();
  const std::string_view name = position.name;
  id += name.substr(name.size() - std::min(name.size(), room));
  return id;
}

std::optional<TailBatch> parse_tail_batch(std::string_view id) {
  if (!id.starts_with(kTailPrefix)) return std::nullopt;
  id.remove_prefix(kTailPrefix.size());
  TailBatch batch;
  const bool has_number = read_number(take_until(id, '-'), batch.position.number, 16);
  const std::optional<std::string_view> hex = take_until(id, ':');
  const std::optional<Hash128> head = hex ? parse_hex128(*hex) : std::nullopt;
  const bool is_whole = has_number && head && read_number(take_until(id, '-'), batch.begin) &&
                        read_number(take_until(id, ':'), batch.position.after);
  if (!is_whole) return std::nullopt;
  batch.position.head = *head;
  batch.position.name = id;
  return batch;
}

Result<TailPositions> TailPositions::open(FileSystem& fs, const std::string& dir,
                                          const Journal& journal, bool are_followed) {
  TailPositions positions(fs, join_path(dir, "tails"));
  const Result<std::string> text = read_file(fs, positions.path_, kTailsBytesMax);
  if (!text && text.error().code != ErrorCode::not_found) return text.error();
  if (!text && !are_followed) return positions;
  if (text) ADWEAVE_TRY(positions.parse(*text));
  // A position beyond its end is of a journal that is there no more.
  const bool is_other = positions.through_ > journal.end();
  JournalReader reader =
      journal.reader(is_other ? journal.first() : std::max(positions.through_, journal.first()));
  while (true) {
    ADWEAVE_ASSIGN(std::optional<JournalEntry> entry, reader.next());
    if (!entry) break;
    std::optional<TailBatch> batch = parse_tail_batch(entry->delivery.batch);
    if (batch) positions.add(entry->delivery.source, *std::move(batch));
  }
  ADWEAVE_TRY(positions.keep(positions.all_, journal.end()));
  return positions;
}

// A batch begins a file, or goes on where it stands.
void TailPositions::add(const std::string& source, TailBatch batch) {
  const auto known = std::find_if(all_.begin(), all_.end(), [&](const TailPosition& each) {
    if (each.source != source || each.number != batch.position.number) return false;
    if (batch.begin == 0) return each.name == batch.position.name;
    return each.after == batch.begin &&
           (batch.begin < kTailHeadBytes || each.head == batch.position.head);
  });
  batch.position.source = source;
  if (known == all_.end()) return all_.push_back(std::move(batch.position));
  batch.position.name = std::move(known->name);  // the whole one
  *known = std::move(batch.position);
}

Status TailPositions::parse(std::string_view text) {
  const Error damage{
      ErrorCode::corrupt, path_ + ": is damaged",
      "remove it: how far files were read is in the journal too, as far back as that "
      "goes; what was read before is read again"};
  const std::optional<std::string_view> version = take_until(text, ' ');
  if (version && *version != kTailsVersion && version->size() < 4) {
    return Error{ErrorCode::newer_format, path_ + ": was written by a newer program",
                 "use that program"};
  }
  const std::optional<std::string_view> hash = take_until(text, ' ');
  if (!version || !hash || *hash != to_hex(hash128(text))) return damage;
  ADWEAVE_ASSIGN(const JsonValue json, parse_json(text));
  ADWEAVE_ASSIGN(through_.segment, json.int_at("segment"));
  ADWEAVE_ASSIGN(through_.offset, json.int_at("offset"));
  ADWEAVE_ASSIGN(const JsonValue::Array* files, json.array_at("files"));
  for (const JsonValue& each : *files) {
    ADWEAVE_ASSIGN(TailPosition position, position_of(each));
    all_.push_back(std::move(position));
  }
  return {};
}

Status TailPositions::keep(std::vector<TailPosition> positions, JournalPosition through) {
  JsonValue::Array files;
  for (const TailPosition& each : positions) files.push_back(json_of(each));
  const std::string json = JsonValue(JsonValue::Object{{"segment", through.segment},
                                                       {"offset", through.offset},
                                                       {"files", std::move(files)}})
                               .dump();
  const std::string text = fmt::format("{} {} {}", kTailsVersion, to_hex(hash128(json)), json);
  // What a kill has left is in the way of nobody.
  static_cast<void>(fs_->unlink(path_ + ".new"));
  ADWEAVE_TRY(replace_file(*fs_, path_ + ".new", path_, text));
  all_ = std::move(positions);
  through_ = through;
  return {};
}

}  // namespace adweave::source
