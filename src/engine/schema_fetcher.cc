// SPDX-License-Identifier: Apache-2.0
#include "engine/schema_fetcher.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/limits.h"
#include "registry/remote_schemas.h"

namespace adweave::engine {

namespace {

bool lacks_schemas(const event::DecodedSlice& decoded) {
  return std::any_of(decoded.rejects.begin(), decoded.rejects.end(), [](const event::Reject& each) {
    return each.reason == event::Reason::unknown_schema;
  });
}

// Not make_unique(), which would move what the decoder makes.
std::unique_ptr<process::PreparedSlice> decoded_by(const decode::Decoder& decoder,
                                                   event::Slice slice) {
  return std::unique_ptr<process::PreparedSlice>(
      new process::PreparedSlice{decoder.decode(std::move(slice)), {}});
}

}  // namespace

std::unique_ptr<process::PreparedSlice> SchemaFetcher::decode(const SourceJob& source,
                                                              const decode::Decoder& decoder,
                                                              event::Slice slice) {
  const registry::RemoteSchemas* schemas = source.schemas.get();
  while (true) {
    const int64_t known = schemas ? schemas->version() : 0;
    std::unique_ptr<process::PreparedSlice> prepared = decoded_by(decoder, std::move(slice));
    if (!schemas || !lacks_schemas(prepared->decoded)) return prepared;
    const Fetched fetched = fetch(source, known);
    if (fetched == Fetched::no_more) return prepared;
    if (fetched == Fetched::ended) {
      has_given_up_ = true;
      return nullptr;
    }
    slice = std::move(prepared->decoded.slice);
  }
}

void SchemaFetcher::await(const SourceJob& source) {
  fetch(source, source.schemas->version());
}

SchemaFetcher::Fetched SchemaFetcher::fetch(const SourceJob& source, int64_t known) {
  registry::RemoteSchemas& schemas = *source.schemas;
  while (true) {
    const Result<int64_t> now = schemas.fetch_wanted();
    tell(schemas.url(), now ? nullptr : &now.error());
    if (schemas.version() != known) return Fetched::more;
    if (now || !source.registry->waits) return Fetched::no_more;
    if (!wait(schemas.patience_us())) return Fetched::ended;
  }
}

// False: it is to end.
bool SchemaFetcher::wait(int64_t patience_us) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(patience_us);
  do {
    if (is_ending_ || has_given_up_ || (stop_ && stop_())) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(limits::kRetryFirstUs / 2));
  } while (std::chrono::steady_clock::now() < until);
  return true;
}

class SchemaFetcher::Cutter : public event::RecordCutter {
 public:
  Cutter(SchemaFetcher& fetcher, const SourceJob& source,
         std::unique_ptr<event::RecordCutter> cutter)
      : fetcher_(fetcher), source_(source), cutter_(std::move(cutter)) {}

  Result<std::optional<int64_t>> head(std::string_view start, bool at_end) override {
    return cutter_->head(start, at_end);
  }

  std::optional<int64_t> cut(std::string_view bytes, int64_t target, bool at_end) override {
    while (true) {
      const int64_t known = source_.schemas->version();
      const std::optional<int64_t> end = cutter_->cut(bytes, target, at_end);
      if (!source_.schemas->has_wanted()) return end;
      const Fetched fetched = fetcher_.fetch(source_, known);
      if (fetched == Fetched::ended) fetcher_.has_given_up_ = true;
      if (fetched != Fetched::more) return end;
    }
  }

  std::string problem() const override { return cutter_->problem(); }

 private:
  SchemaFetcher& fetcher_;
  const SourceJob& source_;
  std::unique_ptr<event::RecordCutter> cutter_;
};

source::FileFormat SchemaFetcher::format_of(const OpenSource& source) {
  source::FileFormat format = engine::format_of(*source.decoder);
  if (!source.job->schemas) return format;
  format.cutter = [this, &source] {
    return std::make_unique<Cutter>(*this, *source.job, source.decoder->cutter());
  };
  return format;
}

void SchemaFetcher::tell(const std::string& url, const Error* error) {
  {
    const std::lock_guard guard(mutex_);
    const std::string said = std::exchange(told_[url], error ? error->message : "");
    if (!error || said == error->message) return;
  }
  if (trouble_) trouble_(*error);
}

event::DecodedSlice decode_at_once(const SourceJob& source, const decode::Decoder& decoder,
                                   event::Slice slice) {
  registry::RemoteSchemas* schemas = source.schemas.get();
  const int64_t known = schemas ? schemas->version() : 0;
  event::DecodedSlice decoded = decoder.decode(std::move(slice));
  if (!schemas || !lacks_schemas(decoded)) return decoded;
  (void)schemas->fetch_wanted();  // the rejects say what is not known
  if (schemas->version() == known) return decoded;
  return decoder.decode(std::move(decoded.slice));
}

}  // namespace adweave::engine
