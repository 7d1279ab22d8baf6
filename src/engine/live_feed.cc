// SPDX-License-Identifier: Apache-2.0
#include "engine/live_feed.h"

#include "base/limits.h"

namespace adweave::engine {

namespace {

// Messages do not wake who waits for the journal.
constexpr std::chrono::milliseconds patience(bool with_kafka) {
  return std::chrono::milliseconds(
      (with_kafka ? limits::kKafkaPatienceUs : limits::kLivePatienceUs) / 1000);
}

}  // namespace

LiveFeed::LiveFeed(const source::Journal& journal, JournalFeed& deliveries, FolderFeed& files,
                   KafkaFeed* kafka)
    : journal_(journal),
      deliveries_(deliveries),
      feeds_({&deliveries, &files}),
      patience_(patience(kafka != nullptr)) {
  if (kafka != nullptr) feeds_.push_back(kafka);
}

Result<std::optional<ReadSlice>> LiveFeed::next() {
  while (!stopping_) {
    for (size_t tried = 0; tried < feeds_.size(); ++tried) {
      ADWEAVE_ASSIGN(std::optional<ReadSlice> slice, read(*feeds_[turn_]));
      if (!is_within_) turn_ = (turn_ + 1) % feeds_.size();
      if (slice) return slice;
    }
    deliveries_.wait(patience_);
  }
  if (!end_) end_ = journal_.end();
  if (is_within_) return read(*feeds_[turn_]);
  while (deliveries_.through() < *end_) {
    const source::JournalPosition before = deliveries_.through();
    turn_ = 0;  // the journal's
    ADWEAVE_ASSIGN(std::optional<ReadSlice> slice, read(deliveries_));
    if (slice) return slice;
    if (deliveries_.through() == before) break;  // no delivery lies before the end
  }
  return std::optional<ReadSlice>();
}

// What was begun is read to its end: a commit takes all of it or nothing.
Result<std::optional<ReadSlice>> LiveFeed::read(Feed& feed) {
  ADWEAVE_ASSIGN(std::optional<ReadSlice> slice, feed.next());
  is_within_ = slice && !slice->step.whole;
  return slice;
}

}  // namespace adweave::engine
