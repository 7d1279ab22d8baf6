// SPDX-License-Identifier: Apache-2.0
#include "serve/tail_intake.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "base/limits.h"
#include "base/thread_name.h"

namespace adweave::serve {

namespace {

constexpr std::chrono::milliseconds kTailEvery{200};  // between looks, when nothing is left to read

}  // namespace

Result<std::unique_ptr<TailIntake>> TailIntake::start(std::vector<source::TailSource> sources,
                                                      Parts parts) {
  ADWEAVE_ASSIGN(
      source::TailPositions positions,
      source::TailPositions::open(parts.fs, parts.data, parts.journal, !sources.empty()));
  std::unique_ptr<TailIntake> intake(new TailIntake(std::move(positions), std::move(parts)));
  std::map<std::string, std::vector<source::TailPosition>> known;
  for (const source::TailPosition& each : intake->positions_.all())
    known[each.source].push_back(each);
  for (source::TailSource& source : sources) {
    const std::vector<source::TailPosition> of_it = std::move(known[source.name]);
    known.erase(source.name);
    intake->tails_.emplace_back(intake->parts_.fs, std::move(source), of_it,
                                intake->parts_.trouble);
  }
  for (const auto& [source, of_it] : known)
    intake->others_.insert(intake->others_.end(), of_it.begin(), of_it.end());
  if (!intake->tails_.empty()) intake->thread_ = std::thread([&intake = *intake] { intake.run(); });
  return intake;
}

void TailIntake::stop() {
  {
    const std::lock_guard guard(mutex_);
    is_stopping_ = true;
  }
  stopped_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::map<std::string, source::TailCounts> TailIntake::counts() const {
  const std::lock_guard guard(mutex_);
  return counts_;
}

// Whether it is to go on.
bool TailIntake::rest() {
  std::unique_lock lock(mutex_);
  return !stopped_.wait_for(lock, kTailEvery, [&] { return is_stopping_; });
}

void TailIntake::run() {
  name_thread("tail");
  while (true) {
    for (source::Tail& tail : tails_) tail.look(parts_.steady_us());
    const bool kept = keep_some();
    {
      const std::lock_guard guard(mutex_);
      if (is_stopping_) return;
      for (const source::Tail& tail : tails_) counts_[tail.source()] = tail.counts();
    }
    if (!kept && !rest()) return;
  }
}

// Whether there may be more at once.
bool TailIntake::keep_some() {
  // What was kept must not leave the journal before it is noted where it goes on.
  const source::JournalHold hold = parts_.journal.hold();
  bool is_kept = false;
  for (source::Tail& tail : tails_) {
    if (parts_.paused.is_paused(tail.source())) continue;
    is_kept = keep(tail, tail.read()) || is_kept;
  }
  while (!note_positions() && rest()) {
  }
  return is_kept;
}

// Waits until they are durable. Whether all are: what the journal does not take is read again.
bool TailIntake::keep(source::Tail& tail, const std::vector<source::TailDelivery>& deliveries) {
  constexpr int kKept = 200;
  std::vector<std::promise<int>> statuses(deliveries.size());
  for (size_t i = 0; i < deliveries.size(); ++i) {
    parts_.collector.take_lines(
        tail.source(), deliveries[i].body,
        [&status = statuses[i]](const net::HttpResponse& response) {
          status.set_value(response.status);
        },
        deliveries[i].batch);
  }
  bool is_kept = !deliveries.empty();
  for (size_t i = 0; i < deliveries.size(); ++i) {
    if (statuses[i].get_future().get() == kKept) {
      tail.took(deliveries[i]);
    } else {
      is_kept = false;
    }
  }
  return is_kept;
}

// Whether they are durable.
bool TailIntake::note_positions() {
  std::vector<source::TailPosition> positions = others_;
  for (const source::Tail& tail : tails_) {
    const std::vector<source::TailPosition> of_it = tail.positions();
    positions.insert(positions.end(), of_it.begin(), of_it.end());
  }
  if (positions == positions_.all()) return true;
  const Status kept = positions_.keep(std::move(positions), parts_.journal.end());
  if (!kept) parts_.trouble(kept.error());
  return kept.has_value();
}

}  // namespace adweave::serve
