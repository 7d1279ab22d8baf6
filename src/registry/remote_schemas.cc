// SPDX-License-Identifier: Apache-2.0
#include "registry/remote_schemas.h"

#include <algorithm>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"

namespace adweave::registry {

namespace {

Error no_registry(const std::string& url, const std::string& what) {
  return {.code = ErrorCode::io,
          .message = fmt::format("schema registry {}: {}", url, what),
          .fix = "check its address, and who may read there",
          .recovery = Recovery::retry};
}

std::string text_of(const JsonValue& answer, const std::string& name) {
  const JsonValue* member = answer.find(name);
  const std::string* text = member ? member->as_string() : nullptr;
  return text ? *text : "";
}

}  // namespace

Result<std::shared_ptr<RemoteSchemas>> RemoteSchemas::open(FileSystem& fs, const std::string& dir,
                                                           net::HttpClientOptions registry) {
  ADWEAVE_ASSIGN(net::HttpClient client, net::HttpClient::open(std::move(registry)));
  std::shared_ptr<RemoteSchemas> schemas(new RemoteSchemas(std::move(client)));
  // An id means one schema in one registry.
  const std::string own = join_path(dir, to_hex(hash128(schemas->url())));
  ADWEAVE_ASSIGN(schemas->log_, ChangeLog::open(fs, own, [&](const Change& change) {
                   schemas->texts_[change.id] = change.schema.value_or("");
                   return Status();
                 }));
  return schemas;
}

RemoteSchemas::RemoteSchemas(net::HttpClient client)
    : client_(std::move(client)), backoff_(std::random_device()()) {}

std::optional<std::string> RemoteSchemas::find(int64_t id) const {
  const std::lock_guard guard(mutex_);
  const auto text = texts_.find(id);
  if (text != texts_.end()) return text->second;
  if (!is_unknown(id) && wanted_.size() < limits::kUnknownSchemasMax) wanted_.insert(id);
  return std::nullopt;
}

bool RemoteSchemas::is_unknown(int64_t id) const {
  const auto asked = unknown_.find(id);
  return asked != unknown_.end() &&
         Clock::now() - asked->second < std::chrono::microseconds(limits::kSchemaAgainUs);
}

int64_t RemoteSchemas::version() const {
  const std::lock_guard guard(mutex_);
  return static_cast<int64_t>(texts_.size());
}

bool RemoteSchemas::has_wanted() const {
  const std::lock_guard guard(mutex_);
  return !wanted_.empty();
}

Result<int64_t> RemoteSchemas::fetch_wanted() {
  const std::lock_guard asking(asking_);
  std::set<int64_t> wanted;
  {
    const std::lock_guard guard(mutex_);
    if (failure_ && Clock::now() < again_) return *failure_;
    wanted.swap(wanted_);
  }
  for (auto id = wanted.begin(); id != wanted.end(); ++id) {
    const Status done = fetch(*id);
    const std::lock_guard guard(mutex_);
    failure_ = done ? std::nullopt : std::optional(done.error());
    if (done) continue;
    again_ = Clock::now() + std::chrono::microseconds(backoff_.next_us());
    wanted_.insert(id, wanted.end());
    return done.error();
  }
  if (!wanted.empty()) backoff_.reset();
  return version();
}

Status RemoteSchemas::fetch(int64_t id) {
  {
    const std::lock_guard guard(mutex_);
    if (texts_.contains(id) || is_unknown(id)) return {};
  }
  ADWEAVE_ASSIGN(std::optional<std::string> text, ask(id));
  if (text) {
    ADWEAVE_TRY(log_->append({.kind = ChangeKind::add_version,
                              .subject = client_.url(),
                              .version = log_->size() + 1,
                              .id = id,
                              .schema = text}));
  }
  const std::lock_guard guard(mutex_);
  if (text) {
    texts_[id] = *std::move(text);
  } else {
    if (unknown_.size() >= limits::kUnknownSchemasMax) unknown_.clear();
    unknown_[id] = Clock::now();
  }
  return {};
}

// None: the registry has no schema of this id that can be read.
Result<std::optional<std::string>> RemoteSchemas::ask(int64_t id) const {
  ADWEAVE_ASSIGN(const net::HttpAnswer answer, client_.get(fmt::format("/schemas/ids/{}", id)));
  const Result<JsonValue> json = parse_json(answer.body);
  const bool is_object = json && json->as_object() != nullptr;
  // A server that is no registry says 404 too.
  if (answer.status == 404 && is_object && json->find("error_code"))
    return std::optional<std::string>();
  if (answer.status != 200 || !is_object)
    return no_registry(url(), fmt::format("it answers {} to schema id {}", answer.status, id));
  const std::string type = text_of(*json, "schemaType");
  const JsonValue* references = json->find("references");
  const bool has_references =
      references && references->as_array() && !references->as_array()->empty();
  if ((!type.empty() && type != "AVRO") || has_references) return std::optional<std::string>();
  std::string text = text_of(*json, "schema");
  if (text.empty() || static_cast<int64_t>(text.size()) > limits::kRegistrySchemaBytesMax)
    return no_registry(url(), fmt::format("its answer for schema id {} holds no schema", id));
  return std::optional(std::move(text));
}

int64_t RemoteSchemas::patience_us() const {
  const std::lock_guard guard(mutex_);
  const auto left = std::chrono::duration_cast<std::chrono::microseconds>(again_ - Clock::now());
  return failure_ ? std::max<int64_t>(left.count(), 0) : 0;
}

bool RemoteSchemas::is_out_of_reach() const {
  const std::lock_guard guard(mutex_);
  return failure_.has_value();
}

}  // namespace adweave::registry
