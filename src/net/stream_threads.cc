// SPDX-License-Identifier: Apache-2.0
#include "net/stream_threads.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/thread_name.h"

namespace adweave::net {

Status StreamThreads::open() {
  wake_.reset(::eventfd(0, EFD_CLOEXEC));
  if (wake_) return {};
  return Error{ErrorCode::io, std::string("eventfd: ") + std::strerror(errno),
               "raise the limit of open files (ulimit -n)"};
}

void StreamThreads::accept_on(Descriptor socket) {
  socket_ = std::move(socket);
  accepting_ = std::thread([this] { accept_all(); });
}

void StreamThreads::serve(int descriptor) {
  begin(descriptor, false);
}

StreamThreads::~StreamThreads() {
  if (!wake_) return;
  const uint64_t one = 1;
  static_cast<void>(::write(wake_.get(), &one, sizeof(one)));
  if (accepting_.joinable()) accepting_.join();
  {
    const std::lock_guard guard(mutex_);
    for (const Stream& each : streams_) {
      if (each.owned) ::shutdown(each.descriptor, SHUT_RDWR);
    }
  }
  reap(true);
}

void StreamThreads::accept_all() {
  name_thread("accept");
  while (true) {
    pollfd ready[] = {{wake_.get(), POLLIN, 0}, {socket_.get(), POLLIN, 0}};
    if (::poll(ready, 2, -1) < 0 && errno != EINTR) return;
    if (ready[0].revents != 0) return;
    const bool may_begin = has_room();
    if (!may_begin && when_full_ == WhenFull::wait) {
      constexpr int kRoomMs = 10;
      ::poll(ready, 1, kRoomMs);
      continue;
    }
    Descriptor accepted(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (accepted && may_begin) begin(accepted.release(), true);
  }
}

void StreamThreads::begin(int descriptor, bool is_owned) {
  const std::lock_guard guard(mutex_);
  Stream& stream = streams_.emplace_back();
  stream.descriptor = descriptor;
  if (is_owned) stream.owned.reset(descriptor);
  stream.thread = std::thread([this, &stream] {
    name_thread("stream");
    serve_(stream.descriptor, wake_.get());
    const std::lock_guard ending(mutex_);
    if (stream.owned) ::shutdown(stream.descriptor, SHUT_RDWR);
    stream.has_ended = true;
  });
}

bool StreamThreads::has_room() {
  reap(false);
  const std::lock_guard guard(mutex_);
  return streams_.size() < most_;
}

// Takes away streams that have ended; all of them: once they end.
void StreamThreads::reap(bool all) {
  std::list<Stream> ended;
  {
    const std::lock_guard guard(mutex_);
    for (auto each = streams_.begin(); each != streams_.end();) {
      const auto next = std::next(each);
      if (all || each->has_ended) ended.splice(ended.end(), streams_, each);
      each = next;
    }
  }
  for (Stream& each : ended) each.thread.join();
}

}  // namespace adweave::net
