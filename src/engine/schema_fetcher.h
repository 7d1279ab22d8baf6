// SPDX-License-Identifier: Apache-2.0
// Schemas that messages name and another registry has: asked for between decoding and sequencing,
// so that decoding itself does no I/O.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "engine/plan.h"

namespace adweave::engine {

// Thread-safe.
class SchemaFetcher {
 public:
  // `trouble` is told when a registry cannot be reached, once for as long as it says the same;
  // `stop` is asked while it waits. Both may be empty.
  SchemaFetcher(std::function<void(const Error&)> trouble, std::function<bool()> stop)
      : trouble_(std::move(trouble)), stop_(std::move(stop)) {}

  // Decodes, and once more whenever the source's registry has told of a schema that the slice
  // needs. A registry that cannot be reached is waited for, or its messages are rejects, as the
  // source says. Null: the wait was ended.
  std::unique_ptr<process::PreparedSlice> decode(const SourceJob& source,
                                                 const decode::Decoder& decoder,
                                                 event::Slice slice);

  // Asks the source's registry for what has been looked for in vain, until it has answered or
  // nobody waits any more.
  void await(const SourceJob& source);

  // What the decoder knows of its files. Where records end is asked for likewise.
  source::FileFormat format_of(const OpenSource& source);

  // Nobody waits any more.
  void end() { is_ending_ = true; }
  // A wait was ended: what has been cut or decoded since must not be used.
  bool has_given_up() const { return has_given_up_; }

 private:
  class Cutter;
  enum class Fetched { more, no_more, ended };
  Fetched fetch(const SourceJob& source, int64_t known);
  bool wait(int64_t patience_us);
  void tell(const std::string& url, const Error* error);

  const std::function<void(const Error&)> trouble_;
  const std::function<bool()> stop_;
  std::atomic<bool> is_ending_ = false;
  std::atomic<bool> has_given_up_ = false;
  std::mutex mutex_;
  std::map<std::string, std::string> told_;  // by registry
};

// The same, but the registry is asked once and not waited for.
event::DecodedSlice decode_at_once(const SourceJob& source, const decode::Decoder& decoder,
                                   event::Slice slice);

}  // namespace adweave::engine
