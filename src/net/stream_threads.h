// SPDX-License-Identifier: Apache-2.0
// Streams (connections to a listening socket, or what is open already), each served by a thread of
// its own.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

#include "base/descriptor.h"
#include "base/result.h"

namespace adweave::net {

// What becomes of a connection while as many as may be are served.
enum class WhenFull {
  wait,    // in the socket's queue
  refuse,  // it is closed at once
};

class StreamThreads {
 public:
  // Serves a stream until it ends, or until `wake` is readable.
  using Serve = std::function<void(int stream, int wake)>;

  StreamThreads(size_t most, WhenFull when_full, Serve serve)
      : most_(most), when_full_(when_full), serve_(std::move(serve)) {}
  // Wakes who serves, ends the connections and waits for the threads.
  ~StreamThreads();
  StreamThreads(const StreamThreads&) = delete;
  StreamThreads& operator=(const StreamThreads&) = delete;

  // Before any of the others. Fails with io.
  Status open();
  // Accepts connections; the socket listens.
  void accept_on(Descriptor socket);
  // Serves what is open, and leaves it open.
  void serve(int descriptor);

 private:
  struct Stream {
    int descriptor = -1;
    Descriptor owned;  // the same, if it is to be closed
    bool has_ended = false;
    std::thread thread;
  };

  void accept_all();
  void begin(int descriptor, bool is_owned);
  bool has_room();
  void reap(bool all);

  size_t most_;
  WhenFull when_full_;
  Serve serve_;
  Descriptor wake_;  // an eventfd: it ends
  Descriptor socket_;
  std::mutex mutex_;
  std::list<Stream> streams_;
  std::thread accepting_;
};

}  // namespace adweave::net
