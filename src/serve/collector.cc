// SPDX-License-Identifier: Apache-2.0
#include "serve/collector.h"

#include <algorithm>

#include <fmt/format.h>

#include "serve/answers.h"

namespace adweave::serve {

namespace {

const std::map<std::string, std::string, std::less<>> kFormats = {
    {"application/json", "json"},
    {"application/x-ndjson", "json"},
    {"application/ndjson", "json"},
    {"application/jsonl", "json"},
    {"text/csv", "csv"},
    {"application/avro", "avro"},
    {"avro/binary", "avro"},
    {"application/vnd.apache.avro", "avro"},
    {"application/vnd.apache.avro.binary", "avro"},
    {"text/plain", "lines"},
};

// "text/csv; charset=utf-8" -> "text/csv"
std::string media_type(std::string_view value) {
  value = value.substr(0, value.find(';'));
  while (value.ends_with(' ')) value.remove_suffix(1);
  std::string type(value);
  for (char& c : type) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return type;
}

std::string names_of(const std::vector<HttpSource>& sources) {
  std::string names;
  for (const HttpSource& source : sources) names += (names.empty() ? "" : ", ") + source.name;
  return names;
}

// What a request says of itself, or why it cannot be taken.
struct Request {
  const HttpSource* source = nullptr;
  Wait wait = Wait::durable;
  std::string key;  // of its sender; may be empty
  std::optional<net::HttpResponse> refusal;
};

// The source is named, or the only one of the body's format.
void find_source(const net::HttpRequest& request, const std::vector<HttpSource>& sources,
                 Request& out) {
  const std::string* type = request.header("Content-Type");
  std::string format;
  if (type != nullptr) {
    const auto known = kFormats.find(media_type(*type));
    if (known == kFormats.end()) {
      out.refusal = problem(415, "unsupported media type", "there is no format '" + *type + "'",
                            "send application/x-ndjson, application/json, text/csv or "
                            "application/avro");
      return;
    }
    format = known->second;
  }
  const std::string* name = request.parameter("source");
  for (const HttpSource& source : sources) {
    if (name != nullptr ? source.name != *name : source.format != format) continue;
    if (out.source != nullptr) {
      out.refusal = problem(400, "which source", "several sources take " + format,
                            "add ?source= and one of " + names_of(sources));
      return;
    }
    out.source = &source;
  }
  if (out.source == nullptr) {
    out.refusal = problem(400, "no such source",
                          name != nullptr ? "no source '" + *name + "' takes deliveries"
                                          : "no source takes such a body",
                          "add ?source= and one of " + names_of(sources));
  } else if (!format.empty() && format != out.source->format) {
    out.refusal = problem(
        415, "unsupported media type",
        "the source " + out.source->name + " takes " + out.source->format + ", not " + format,
        "send it to another source");
  }
}

void find_coding(const net::HttpRequest& request, Request& out) {
  const std::string* coding = request.header("Content-Encoding");
  if (coding == nullptr || *coding == "identity" || out.refusal) return;
  if (*coding != "gzip" && *coding != "zstd") {
    out.refusal = problem(415, "unsupported content coding", "there is no coding '" + *coding + "'",
                          "send it as it is, or with gzip or zstd");
  } else if (!out.source->is_compressible) {
    out.refusal =
        problem(415, "unsupported content coding",
                "the source " + out.source->name + " is configured with compression: none",
                "send it as it is");
  }
}

Request read_request(const net::HttpRequest& request, const std::vector<HttpSource>& sources) {
  Request out;
  find_source(request, sources, out);
  find_coding(request, out);
  if (out.refusal) return out;
  if (const std::string* wait = request.parameter("wait")) {
    // SQL reads what is committed: to be committed is to be queryable.
    if (*wait == "committed" || *wait == "queryable") {
      out.wait = Wait::committed;
    } else if (*wait != "durable") {
      out.refusal = problem(400, "what to wait for", "there is no wait=" + *wait,
                            "write durable, committed or queryable");
    }
  }
  if (const std::string* key = request.header("Idempotency-Key")) {
    out.key = *key;
    const bool is_fine =
        !key->empty() && !source::is_made_batch(*key) &&
        static_cast<int64_t>(key->size()) <= limits::kDeliveryBatchBytesMax &&
        std::all_of(key->begin(), key->end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (!is_fine)
      out.refusal = problem(400, "Idempotency-Key", "the key is empty, too long or not printable",
                            "send up to 256 ASCII characters that do not begin with ~");
  }
  if (request.body.empty())
    out.refusal = problem(400, "empty body", "there is nothing in it", "send at least one event");
  return out;
}

net::HttpResponse outcome_of(const std::string& id, int64_t bytes,
                             const ledger::DeliveryOutcome& outcome) {
  JsonValue value;
  value.set("received", bytes);
  value.set("batch", id);
  if (outcome.commit == 0) return json_answer(200, value);
  value.set("commit", outcome.commit);
  value.set("accepted", outcome.accepted);
  value.set("duplicate", outcome.duplicate);
  value.set("conflict", outcome.conflict);
  value.set("rejected", outcome.rejected);
  JsonValue errors{JsonValue::Array{}};
  for (const std::string& error : outcome.errors) errors.push(error);
  value.set("errors", std::move(errors));
  return json_answer(200, value);
}

// outcome_of() with nothing known, for most requests: a made id needs no escapes.
net::HttpResponse durable_answer(const std::string& made_id, int64_t bytes) {
  return {200,
          {{"Content-Type", "application/json"}},
          fmt::format("{{\"received\":{},\"batch\":\"{}\"}}\n", bytes, made_id)};
}

Hash128 key_of(const std::string& source, const std::string& id) {
  return combine(hash128(source), hash128(id));
}

net::HttpResponse stopping() {
  return busy(503, "stopping", "the server is being stopped");
}

net::HttpResponse not_kept(const Error& error) {
  if (error.recovery == Recovery::retry) return busy(429, "too much at once", error.message);
  return busy(503, "the journal cannot be written", error.message, 5);
}

}  // namespace

Collector::Collector(source::Journal& journal, Metrics& metrics, std::vector<HttpSource> sources,
                     const source::PausedSources& paused, std::function<int64_t()> now_us)
    : journal_(journal),
      metrics_(metrics),
      sources_(std::move(sources)),
      paused_(paused),
      now_us_(std::move(now_us)),
      found_(journal.end()),
      made_(hash128(std::to_string(now_us_()))) {}

Result<std::unique_ptr<Collector>> Collector::open(source::Journal& journal,
                                                   source::JournalPosition through,
                                                   Metrics& metrics,
                                                   std::vector<HttpSource> sources,
                                                   const source::PausedSources& paused,
                                                   std::function<int64_t()> now_us) {
  std::unique_ptr<Collector> collector(
      new Collector(journal, metrics, std::move(sources), paused, std::move(now_us)));
  ADWEAVE_TRY(collector->read_keys(through));
  return collector;
}

Status Collector::read_keys(const source::JournalPosition& through) {
  return journal_.each_named([&](const source::NamedDelivery& delivery) {
    auto batch = std::make_shared<Batch>();
    batch->id = delivery.batch;
    batch->bytes = delivery.body_bytes;
    batch->content = delivery.body_hash;
    batch->is_durable = true;
    batch->is_committed = delivery.position < through;
    const Hash128 key = key_of(delivery.source, delivery.batch);
    batches_.insert_or_assign(key, batch);
    remember(key);
    if (!batch->is_committed) uncommitted_.emplace(delivery.position, std::move(batch));
  });
}

// Forgets the oldest key instead, if there are too many.
void Collector::remember(const Hash128& key) {
  keys_.push_back(key);
  if (keys_.size() <= limits::kBatchKeysMax) return;
  batches_.erase(keys_.front());
  keys_.pop_front();
}

std::string Collector::made_id() {
  ++made_.low;
  return source::kMadeBatchMark + to_hex(made_);
}

std::vector<std::string> Collector::content_types() const {
  std::vector<std::string> types;
  for (const auto& [type, format] : kFormats) {
    if (std::any_of(sources_.begin(), sources_.end(),
                    [&](const HttpSource& source) { return source.format == format; })) {
      types.push_back(type);
    }
  }
  return types;
}

void Collector::take(net::HttpRequest request, net::HttpRespond respond) {
  Request read = read_request(request, sources_);
  if (read.refusal) return give(metrics_, respond, *std::move(read.refusal));
  keep(read.source->name, read.key, std::move(request.body),
       {read.wait, std::move(respond), std::nullopt, {}});
}

void Collector::take_event(const std::string& source, std::string line, net::HttpResponse answer,
                           net::HttpRespond respond) {
  keep(source, "", std::move(line), {Wait::durable, std::move(respond), std::move(answer), {}});
}

void Collector::take_lines(const std::string& source, std::string lines, Told told,
                           const std::string& batch) {
  keep(source, batch, std::move(lines), {Wait::durable, {}, {}, std::move(told)});
}

void Collector::reply(Sender& sender, net::HttpResponse response) {
  if (sender.told) return sender.told(response);
  give(metrics_, *sender.respond, std::move(response));
}

void Collector::keep(const std::string& source, const std::string& given_id, std::string body,
                     Sender sender) {
  if (paused_.is_paused(source)) {
    return reply(sender,
                 busy(503, "paused", "the source " + source + " is paused: it takes nothing",
                      limits::kPausedRetrySeconds));
  }
  if (given_id.empty() && sender.wait == Wait::durable)
    return keep_and_forget(source, std::move(body), std::move(sender));
  keep_batch(source, given_id, std::move(body), std::move(sender));
}

void Collector::keep_and_forget(const std::string& source, std::string body, Sender sender) {
  struct Waiting {
    std::string id;
    int64_t bytes;
    Sender sender;
  };
  const auto waiting =
      std::make_shared<Waiting>(Waiting{"", static_cast<int64_t>(body.size()), std::move(sender)});
  {
    const std::lock_guard guard(mutex_);
    if (is_stopping_) return reply(waiting->sender, stopping());
    waiting->id = made_id();
    ++waiting_;
  }
  metrics_.count_delivery(source, waiting->bytes);
  journal_.append({source, waiting->id, now_us_(), std::move(body)},
                  [this, waiting](const Result<source::JournalPosition>& position) {
                    {
                      const std::lock_guard guard(mutex_);
                      --waiting_;
                      if (position) told_before(*position);
                    }
                    Sender& waits = waiting->sender;
                    if (!position) return reply(waits, not_kept(position.error()));
                    reply(waits, waits.answer ? *std::move(waits.answer)
                                              : durable_answer(waiting->id, waiting->bytes));
                  });
}

void Collector::keep_batch(const std::string& source, const std::string& given_id, std::string body,
                           Sender sender) {
  const int64_t now = now_us_();
  const Hash128 content = given_id.empty() ? Hash128() : hash128(body);
  std::shared_ptr<Batch> batch;
  Hash128 key;
  {
    const std::lock_guard guard(mutex_);
    if (is_stopping_) return reply(sender, stopping());
    const std::string id = given_id.empty() ? made_id() : given_id;
    key = key_of(source, id);
    const auto [it, is_new] = batches_.try_emplace(key);
    if (is_new) it->second = std::make_shared<Batch>();
    batch = it->second;
    if (!is_new && batch->content != content) {
      return reply(sender, problem(422, "Idempotency-Key", "the key was used for another body",
                                   "send this body under a key of its own"));
    }
    batch->waiting.push_back(std::move(sender));
    ++waiting_;
    if (!is_new) return answer(*batch);  // perhaps at once
    batch->id = id;
    batch->bytes = static_cast<int64_t>(body.size());
    batch->content = content;
  }
  metrics_.count_delivery(source, batch->bytes);
  journal_.append({source, batch->id, now, std::move(body)},
                  [this, batch, key](Result<source::JournalPosition> position) {
                    durable(*batch, key, std::move(position));
                  });
}

// Answers those of whom the answer is known. With the mutex held.
void Collector::answer(Batch& batch) {
  std::vector<Sender> left;
  for (Sender& sender : batch.waiting) {
    const bool is_due = batch.is_durable && (sender.wait == Wait::durable || batch.is_committed);
    if (!is_due) {
      left.push_back(std::move(sender));
      continue;
    }
    const ledger::DeliveryOutcome none;
    const bool tells_all = sender.wait == Wait::committed;
    reply(sender, sender.answer
                      ? *std::move(sender.answer)
                      : outcome_of(batch.id, batch.bytes, tells_all ? batch.outcome : none));
    --waiting_;
  }
  batch.waiting.swap(left);
}

void Collector::turn_away(Batch& batch, const net::HttpResponse& response) {
  for (Sender& sender : batch.waiting) reply(sender, response);
  waiting_ -= static_cast<int64_t>(batch.waiting.size());
  batch.waiting.clear();
}

void Collector::durable(Batch& batch, const Hash128& key,
                        Result<source::JournalPosition> position) {
  const std::lock_guard guard(mutex_);
  // A made id comes but once; what failed may be sent again under its key.
  const std::shared_ptr<Batch> kept = batches_.find(key)->second;
  if (!position || source::is_made_batch(batch.id)) batches_.erase(key);
  if (!position) return turn_away(batch, not_kept(position.error()));
  if (!source::is_made_batch(batch.id)) remember(key);
  batch.is_durable = true;
  if (std::optional<ledger::DeliveryOutcome> outcome = told_before(*position)) {
    batch.is_committed = true;
    batch.outcome = *std::move(outcome);
  } else {
    uncommitted_.emplace(*position, kept);
  }
  answer(batch);
  if (is_stopping_) turn_away_for_good(batch);
}

// Notes that it is durable. What became of it, where that was told before. With the mutex held.
std::optional<ledger::DeliveryOutcome> Collector::told_before(source::JournalPosition position) {
  told_ = position;
  const auto early = early_.find(position);
  if (early == early_.end()) return std::nullopt;
  std::optional outcome = std::move(early->second);
  early_.erase(early);
  return outcome;
}

void Collector::committed(const ledger::CommitOutcome& commit) {
  const std::lock_guard guard(mutex_);
  for (const ledger::DeliveryOutcome& outcome : commit.deliveries) {
    const source::JournalPosition position{outcome.segment, outcome.offset};
    const auto it = uncommitted_.find(position);
    if (it == uncommitted_.end()) {
      // Of this process: the journal's thread has not told of it yet.
      if (position >= found_ && position > told_) early_.emplace(position, outcome);
      continue;
    }
    Batch& batch = *it->second;
    batch.is_committed = true;
    batch.outcome = outcome;
    answer(batch);
    batch.outcome.errors.clear();  // the key may be kept for days
    uncommitted_.erase(it);
  }
}

void Collector::stop() {
  const std::lock_guard guard(mutex_);
  is_stopping_ = true;
  for (auto& [position, batch] : uncommitted_) turn_away_for_good(*batch);
}

void Collector::turn_away_for_good(Batch& batch) {
  turn_away(batch, busy(503, "stopping", "it is durable, and will be committed"));
}

int64_t Collector::waiting() const {
  const std::lock_guard guard(mutex_);
  return waiting_;
}

}  // namespace adweave::serve
