// SPDX-License-Identifier: Apache-2.0
// Questions and answers between processes of a machine, over a socket in the file system: a line
// each. Only the user who made the socket may connect (and root).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/stream_threads.h"

namespace adweave::net {

class LocalServer {
 public:
  // Called for each line, without its end, on a thread of the connection; the answer holds no line
  // end.
  using Answer = std::function<std::string(const std::string& question)>;

  // Takes the place of a socket that is there; whoever holds the folder's lock may do so. Fails
  // with io.
  static Result<std::unique_ptr<LocalServer>> start(const std::string& path, Answer answer);

  // Removes the socket, ends every connection and waits for the answers that are being made.
  ~LocalServer();
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;

 private:
  LocalServer(std::string path, Answer answer);
  bool is_ours() const;
  void serve(int socket) const;

  std::string path_;
  uint64_t file_ = 0;  // its inode: another server may have taken its place
  Answer answer_;
  StreamThreads connections_;
};

// Asks once and waits for the answer, as long as that; zero: for good. Fails with not_found when
// nobody listens there, and with io.
Result<std::string> ask_local(const std::string& path, const std::string& question,
                              std::chrono::microseconds patience);

}  // namespace adweave::net
