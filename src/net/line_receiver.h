// SPDX-License-Identifier: Apache-2.0
// Lines out of connections to a TCP port, or of a descriptor that is open (standard input). Each
// stream has a thread and is read only as fast as its lines are taken: who sends too much waits.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/stream_threads.h"

namespace adweave::net {

struct LineOptions {
  int64_t bytes_max = 0;    // of what is taken at once; a longer line is cut
  int64_t patience_us = 0;  // lines are taken so long after they came, or sooner
  size_t streams_max = 0;   // more connections are closed at once
};

class LineReceiver {
 public:
  // Takes whole lines with their ends; what a stream ends with may lack its own. Called on the
  // stream's thread. False: it is not taken, and the stream ends.
  using Take = std::function<bool(std::string lines)>;

  // Port 0: any that is free. Fails with io.
  static Result<std::unique_ptr<LineReceiver>> listen(const std::string& host, int port,
                                                      const LineOptions& options, Take take);
  // Reads what is open until it ends; it is not closed.
  static Result<std::unique_ptr<LineReceiver>> read(int descriptor, const LineOptions& options,
                                                    Take take);

  // Ends every stream once what came of it is taken, but for a line that has not ended. `take` must
  // return.
  ~LineReceiver() = default;
  LineReceiver(const LineReceiver&) = delete;
  LineReceiver& operator=(const LineReceiver&) = delete;

  int port() const { return port_; }  // 0: it does not listen

 private:
  LineReceiver(const LineOptions& options, Take take);
  void receive(int stream, int wake) const;

  LineOptions options_;
  Take take_;
  int port_ = 0;
  StreamThreads streams_;
};

}  // namespace adweave::net
