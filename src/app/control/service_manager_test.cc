// SPDX-License-Identifier: Apache-2.0
#include "app/control/service_manager.h"

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace adweave::app {
namespace {

// What a service manager hears that listens at `name`; "@..." is a name that is no file's.
std::string heard_at(const std::string& name, const std::string& said) {
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name.front() == '@') address.sun_path[0] = '\0';
  const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), bytes), 0);
  ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  tell_service_manager(said);
  ::unsetenv("NOTIFY_SOCKET");
  std::array<char, 64> buffer{};
  const ssize_t size = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  ::close(fd);
  if (name.front() != '@') ::unlink(name.c_str());
  return size < 0 ? "" : std::string(buffer.data(), static_cast<size_t>(size));
}

TEST(ServiceManager, HearsWhatIsSaid) {
  const std::string name = "adweave-notify-" + std::to_string(::getpid());
  EXPECT_EQ(heard_at(::testing::TempDir() + name, "READY=1"), "READY=1");
  EXPECT_EQ(heard_at("@" + name, "STOPPING=1"), "STOPPING=1");
}

TEST(ServiceManager, IsNotNeeded) {
  tell_service_manager("READY=1");
  ::setenv("NOTIFY_SOCKET", "/nowhere/notify", 1);
  tell_service_manager("READY=1");
  ::setenv("NOTIFY_SOCKET", std::string(200, 'x').c_str(), 1);
  tell_service_manager("READY=1");
  ::unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace adweave::app
