// SPDX-License-Identifier: Apache-2.0
#include "net/local_socket.h"

#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/file_system.h"
#include "base/limits.h"

namespace adweave::net {

namespace {

Error io_error(const std::string& path, const char* what) {
  return {ErrorCode::io, path + ": " + what + ": " + std::strerror(errno)};
}

// A socket's address has 107 bytes, a path may have more: the folder is named by a descriptor.
struct Address {
  explicit Address(const std::string& path)
      : folder(::open(parent_path(path).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    address.sun_family = AF_UNIX;
    const std::string name = path.substr(path.rfind('/') + 1);
    const std::string text = "/proc/self/fd/" + std::to_string(folder.get()) + "/" + name;
    is_valid = folder.get() >= 0 && text.size() < sizeof(address.sun_path);
    if (is_valid) std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }

  Descriptor folder;
  sockaddr_un address{};
  bool is_valid = false;
};

// 0, or the errno of why not.
int connect_to(const Descriptor& socket, const Address& address) {
  if (!address.is_valid || socket.get() < 0) return ENOENT;
  return ::connect(socket.get(), address.get(), sizeof(sockaddr_un)) == 0 ? 0 : errno;
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

// The next line, without its end; `rest` holds what came after the last one. None at the end, or
// when it is too long.
std::optional<std::string> receive_line(int socket, std::string& rest) {
  while (true) {
    if (const size_t end = rest.find('\n'); end != std::string::npos) {
      std::string line = rest.substr(0, end);
      rest.erase(0, end + 1);
      return line;
    }
    char piece[4096];
    const ssize_t received = ::recv(socket, piece, sizeof(piece), 0);
    if (received < 0 && errno == EINTR) continue;
    if (received <= 0 || rest.size() > limits::kLocalLineBytesMax) return std::nullopt;
    rest.append(piece, static_cast<size_t>(received));
  }
}

}  // namespace

Result<std::unique_ptr<LocalServer>> LocalServer::start(const std::string& path, Answer answer) {
  const Address address(path);
  if (!address.is_valid) return io_error(path, "cannot be a socket");
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return io_error(path, "socket");
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return io_error(path, "unlink");
  if (::bind(socket.get(), address.get(), sizeof(sockaddr_un)) != 0) return io_error(path, "bind");
  // Before anybody can connect.
  if (::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0) return io_error(path, "chmod");
  if (::listen(socket.get(), SOMAXCONN) != 0) return io_error(path, "listen");
  std::unique_ptr<LocalServer> server(new LocalServer(path, std::move(answer)));
  struct stat entry{};
  if (::stat(path.c_str(), &entry) == 0) server->file_ = entry.st_ino;
  ADWEAVE_TRY(server->connections_.open());
  server->connections_.accept_on(std::move(socket));
  return server;
}

bool LocalServer::is_ours() const {
  struct stat entry{};
  return ::stat(path_.c_str(), &entry) == 0 && entry.st_ino == file_;
}

LocalServer::LocalServer(std::string path, Answer answer)
    : path_(std::move(path)),
      answer_(std::move(answer)),
      connections_(limits::kLocalConnectionsMax, WhenFull::wait,
                   [this](int socket, int) { serve(socket); }) {}

LocalServer::~LocalServer() {
  if (is_ours()) ::unlink(path_.c_str());
}

// Until the other side, or the end of the server, ends the connection.
void LocalServer::serve(int socket) const {
  std::string rest;
  while (const std::optional<std::string> question = receive_line(socket, rest)) {
    if (!send_all(socket, answer_(*question) + "\n")) return;
  }
}

Result<std::string> ask_local(const std::string& path, const std::string& question,
                              std::chrono::microseconds patience) {
  const Address address(path);
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int why = connect_to(socket, address);
  if (why == EACCES) {
    return Error{ErrorCode::io, path + ": the socket is another user's",
                 "ask as the user whose server it is"};
  }
  if (why != 0) {
    return Error{ErrorCode::not_found, path + ": no server listens there",
                 "adweave serve --data DIR starts one"};
  }
  const timeval time{patience.count() / limits::kSecondUs, patience.count() % limits::kSecondUs};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
  std::string rest;
  if (send_all(socket.get(), question + "\n")) {
    if (std::optional<std::string> answer = receive_line(socket.get(), rest))
      return *std::move(answer);
  }
  return Error{ErrorCode::io, path + ": the server gave no answer",
               "see whether it still runs, and ask again"};
}

}  // namespace adweave::net
