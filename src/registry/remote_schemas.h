// SPDX-License-Identifier: Apache-2.0
// Schemas of another registry by their ids: asked for once each, and kept for good in a folder, so
// that what was decoded with them can be decoded again without it.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/file_system.h"
#include "base/retry.h"
#include "decode/schema_book.h"
#include "net/http_client.h"
#include "registry/change_log.h"

namespace adweave::registry {

// Thread-safe. find() does no I/O, and does not wait for who asks.
class RemoteSchemas : public decode::SchemaBook {
 public:
  // Those that `dir` has of this registry; it is made with the first schema, by who may write
  // there. Fails with config (the address), or as ChangeLog::open() does.
  static Result<std::shared_ptr<RemoteSchemas>> open(FileSystem& fs, const std::string& dir,
                                                     net::HttpClientOptions registry);

  // An id that is not there is one that fetch_wanted() asks for, unless the registry has lately
  // said that it does not know it.
  std::optional<std::string> find(int64_t id) const override;

  // Grows with each schema that is there.
  int64_t version() const;

  bool has_wanted() const;

  // Asks the registry for the schemas that were looked for in vain. One that it does not know it is
  // not asked for again for a while. Returns how many are there now; they outlive a power cut.
  // Fails with io when it cannot be asked, without asking until patience_us() is over, and when the
  // disk refuses.
  Result<int64_t> fetch_wanted();
  int64_t patience_us() const;

  // The last call has failed.
  bool is_out_of_reach() const;
  const std::string& url() const { return client_.url(); }

 private:
  using Clock = std::chrono::steady_clock;

  explicit RemoteSchemas(net::HttpClient client);
  bool is_unknown(int64_t id) const;  // lately; with mutex_ held
  Status fetch(int64_t id);
  Result<std::optional<std::string>> ask(int64_t id) const;

  const net::HttpClient client_;

  std::mutex asking_;               // held while it is asked, before mutex_
  std::unique_ptr<ChangeLog> log_;  // of who asks
  Backoff backoff_;

  mutable std::mutex mutex_;  // of what follows
  std::map<int64_t, std::string> texts_;
  mutable std::set<int64_t> wanted_;
  std::map<int64_t, Clock::time_point> unknown_;  // to the registry, when it was asked last
  std::optional<Error> failure_;                  // of the last call
  Clock::time_point again_;                       // not before, after a failure
};

}  // namespace adweave::registry
