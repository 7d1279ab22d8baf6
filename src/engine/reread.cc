// SPDX-License-Identifier: Apache-2.0
#include "engine/reread.h"

#include <algorithm>

#include "base/limits.h"
#include "engine/schema_fetcher.h"

namespace adweave::engine {

namespace {

using decode::Format;

// Formats whose records have no line ends between them.
bool stands_alone(const decode::DecoderSpec& spec) {
  if (spec.format == Format::json) return spec.framing == decode::JsonFraming::document;
  return spec.format == Format::avro && spec.avro.envelope.empty();
}

bool needs_head(const decode::DecoderSpec& spec) {
  if (spec.format == Format::csv) return spec.csv.header;
  return spec.format == Format::avro && spec.avro.framing == decode::AvroFraming::container;
}

int64_t end_of(const OpenReject& reject) {
  return reject.offset + static_cast<int64_t>(reject.raw.size());
}

// Undoes an encoding that was not declared when the bytes came in.
std::string transcoded(const decode::Decoder& decoder, const std::string& bytes) {
  const std::unique_ptr<event::ByteTransform> transform = decoder.content(bytes);
  if (!transform) return bytes;
  std::string text;
  std::string_view rest = bytes;
  while (true) {
    const event::ByteTransform::Step step =
        transform->run(rest, true, text, static_cast<size_t>(limits::kContentReadBytes));
    rest.remove_prefix(step.used);
    if (step.end || !step.problem.empty() || rest.empty()) return text;
  }
}

event::Slice slice_of(std::span<const OpenReject> rejects, const RereadSource& source,
                      const std::string& head) {
  const OpenReject& first = rejects.front();
  const bool encoded = first.reason == "bad_encoding";
  event::Slice slice;
  slice.source = first.source;
  slice.file = first.file;
  slice.begin = first.offset;
  slice.received_time = first.first_seen;
  std::string bytes;
  for (const OpenReject& reject : rejects) {
    if (end_of(reject) - slice.begin <= static_cast<int64_t>(bytes.size())) continue;
    bytes.resize(static_cast<size_t>(reject.offset - slice.begin), '\n');
    bytes += encoded ? transcoded(*source.decoder, reject.raw) : reject.raw;
  }
  slice.end = slice.begin + static_cast<int64_t>(bytes.size());
  slice.bytes = std::make_shared<const std::string>(std::move(bytes));
  slice.head =
      std::make_shared<const std::string>(encoded ? transcoded(*source.decoder, head) : head);
  return slice;
}

// Why the slice cannot be decoded with its head; empty: it can.
std::string bad_head(const RereadSource& source, const std::string& head) {
  if (!needs_head(source.job->decoder)) return {};
  if (head.empty()) return "the head of its file was not kept: have the file sent again";
  const auto length = source.decoder->cutter()->head(head, true);
  const bool fits = length && *length && **length == static_cast<int64_t>(head.size());
  return fits ? "" : "the head of its file does not fit the configuration";
}

// Whether every record lies within one reject.
bool apart(std::span<const OpenReject> rejects, const event::DecodedSlice& decoded) {
  const auto within = [&](const event::RecordSpan& span) {
    const int64_t begin = rejects.front().offset + span.offset;
    const auto after =
        std::upper_bound(rejects.begin(), rejects.end(), begin,
                         [](int64_t at, const OpenReject& reject) { return at < reject.offset; });
    return after != rejects.begin() && begin + span.length <= end_of(*(after - 1));
  };
  const auto fits = [&](const event::Reject& reject) { return within(reject.span); };
  if (!std::all_of(decoded.rejects.begin(), decoded.rejects.end(), fits)) return false;
  return std::all_of(decoded.batches.begin(), decoded.batches.end(), [&](const auto& batch) {
    return std::all_of(batch.spans.begin(), batch.spans.end(), within);
  });
}

// Leaves out the events that the records hold besides those that were rejected.
void keep_own(std::span<const OpenReject> rejects, event::DecodedSlice& decoded) {
  for (event::Batch& batch : decoded.batches) {
    std::vector<int32_t> kept;
    for (int64_t row = 0; row < batch.rows; ++row) {
      if (owner_of(rejects, batch.spans[static_cast<size_t>(row)]))
        kept.push_back(static_cast<int32_t>(row));
    }
    batch.keep(kept);
  }
  std::erase_if(decoded.rejects, [&](const event::Reject& reject) {
    return !owner_of(rejects, reject.span).has_value();
  });
}

bool same_failure(const OpenReject& before, const std::vector<const event::Reject*>& now) {
  if (now.size() == 1) {
    return event::reason_name(now[0]->reason) == before.reason && now[0]->rule == before.rule &&
           now[0]->message == before.message;
  }
  return std::all_of(now.begin(), now.end(), [&](const event::Reject* reject) {
    return event::reason_name(reject->reason) == before.reason;
  });
}

// Says of each reject what became of it, and leaves out those that fail as they did.
void judge(std::span<const OpenReject> rejects, Reread& reread) {
  std::vector<event::Reject>& found = reread.prepared.decoded.rejects;
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::pair(a.span.offset, a.span.element) < std::pair(b.span.offset, b.span.element);
  });
  std::vector<std::vector<const event::Reject*>> now(rejects.size());
  for (const event::Batch& batch : reread.prepared.decoded.batches) {
    for (const event::RecordSpan& span : batch.spans)
      ++reread.results[*owner_of(rejects, span)].events;
  }
  for (const event::Reject& reject : found) now[*owner_of(rejects, reject.span)].push_back(&reject);
  for (size_t i = 0; i < rejects.size(); ++i) {
    RereadResult& result = reread.results[i];
    const bool nothing = result.events == 0 && now[i].empty();
    result.dropped = nothing && rejects[i].element < 0;
    if (nothing && !result.dropped)
      result.left = "the configuration takes the record apart in another way";
    result.unchanged = result.events == 0 && !nothing && same_failure(rejects[i], now[i]);
    reread.changed += result.changes() ? 1 : 0;
  }
  std::erase_if(found, [&](const event::Reject& reject) {
    return reread.results[*owner_of(rejects, reject.span)].unchanged;
  });
  for (size_t i = 0; i < found.size(); ++i) {
    reread.owners.push_back(*owner_of(rejects, found[i].span));
    reread.results[reread.owners.back()].rejects.push_back(i);
  }
}

}  // namespace

Result<RereadSource> reread_source(const SourceJob& job) {
  RereadSource source;
  source.job = &job;
  decode::DecoderSpec spec = job.decoder;
  spec.compression = decode::Compression::none;
  ADWEAVE_ASSIGN(source.decoder, decode::make_decoder(spec));
  return source;
}

std::string why_left(const OpenReject& reject) {
  if (reject.reason == "malformed" && reject.rule == "content")
    return "it stands for a whole file or the rest of one: have it sent again";
  if (reject.raw_length != static_cast<int64_t>(reject.raw.size()))
    return "of its bytes only the first MiB was kept: have it sent again";
  if (reject.reason == "malformed" && reject.rule == "avro" && reject.element >= 0)
    return "it stands for the rest of an Avro block: have it sent again";
  return {};
}

std::vector<std::span<const OpenReject>> slices_of(std::span<const OpenReject> rejects,
                                                   const SourceJob& job) {
  constexpr size_t kRejectsMax = limits::kRejectsPerSliceMax / 2;
  std::vector<std::span<const OpenReject>> slices;
  const auto alone = [&](const OpenReject& reject) {
    return stands_alone(job.decoder) || reject.reason == "bad_encoding";
  };
  for (size_t begin = 0, i = 1; begin < rejects.size(); ++i) {
    const OpenReject& first = rejects[begin];
    const OpenReject& last = rejects[i - 1];
    if (i < rejects.size()) {
      const OpenReject& next = rejects[i];
      const bool same_file = next.source == first.source && next.file == first.file &&
                             next.first_seen == first.first_seen && next.commit == first.commit;
      const bool same_record = next.offset == last.offset && next.raw_hash == last.raw_hash;
      const bool near = next.offset > end_of(last) && i - begin < kRejectsMax &&
                        end_of(next) - first.offset <= limits::kSliceBytes;
      const bool same_reading =
          same_record ? alone(next) == alone(last) : near && !alone(next) && !alone(last);
      if (same_file && same_reading) continue;
    }
    slices.push_back(rejects.subspan(begin, i - begin));
    begin = i;
  }
  return slices;
}

std::optional<size_t> owner_of(std::span<const OpenReject> rejects, const event::RecordSpan& span) {
  const int64_t at = rejects.front().offset + span.offset;
  auto it = std::upper_bound(
      rejects.begin(), rejects.end(), at,
      [](int64_t offset, const OpenReject& reject) { return offset < reject.offset; });
  std::optional<size_t> whole;
  if (it == rejects.begin()) return whole;
  for (const int64_t offset = (it - 1)->offset; it != rejects.begin();) {
    if ((--it)->offset != offset) break;
    const auto place = static_cast<size_t>(it - rejects.begin());
    if (it->element < 0) whole = place;
    if (it->element >= 0 && it->element == span.element && offset == at) return place;
  }
  return whole;
}

std::optional<Reread> read_again(std::span<const OpenReject> rejects, const RereadSource& source,
                                 const std::string* head, const process::PrepareRules& rules) {
  const std::string no_head;
  event::Slice slice = slice_of(rejects, source, head == nullptr ? no_head : *head);
  if (const std::string problem = bad_head(source, *slice.head); !problem.empty()) {
    Reread left{{event::DecodedSlice(std::move(slice)), {}}, {}, {}, 0};
    left.results.resize(rejects.size());
    for (RereadResult& result : left.results) result.left = problem;
    return left;
  }
  event::DecodedSlice decoded = decode_at_once(*source.job, *source.decoder, std::move(slice));
  const bool several = rejects.front().offset != rejects.back().offset;
  if (several && !apart(rejects, decoded)) return std::nullopt;
  keep_own(rejects, decoded);
  Reread reread{process::prepare(std::move(decoded), rules), {}, {}, 0};
  reread.results.resize(rejects.size());
  judge(rejects, reread);
  return reread;
}

}  // namespace adweave::engine
