// SPDX-License-Identifier: Apache-2.0
#include "app/terminal/terminal.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace adweave::app {

namespace {

constexpr int kBarWidth = 30;
constexpr int64_t kShowEveryUs = 100'000;
constexpr double kMegabyte = 1e6;

int64_t micros_of(auto duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

}  // namespace

int64_t now_us() {
  return micros_of(std::chrono::system_clock::now().time_since_epoch());
}

int64_t steady_us() {
  return micros_of(std::chrono::steady_clock::now().time_since_epoch());
}

int output_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return std::numeric_limits<int>::max();
}

ProgressBar::ProgressBar(std::string what, Unit unit)
    : what_(std::move(what)),
      unit_(unit),
      on_terminal_(isatty(STDERR_FILENO) != 0),
      begin_us_(now_us()) {}

ProgressBar::~ProgressBar() {
  if (on_terminal_ && shown_us_ != 0) fmt::print(stderr, "\r\033[K");
}

void ProgressBar::show(int64_t done, int64_t total) {
  const int64_t now = now_us();
  if (!on_terminal_ || total <= 0 || now - shown_us_ < kShowEveryUs) return;
  shown_us_ = now;
  const double seconds = std::max(1e-3, static_cast<double>(now - begin_us_) / 1e6);
  const double rate = static_cast<double>(done) / seconds;
  const double left = rate > 0 ? static_cast<double>(total - done) / rate : 0;
  const auto filled = static_cast<size_t>(kBarWidth * done / total);
  const std::string speed = unit_ == Unit::bytes ? fmt::format("{:.0f} MB/s", rate / kMegabyte)
                                                 : fmt::format("{:.0f} events/s", rate);
  fmt::print(stderr, "\r\033[K{} [{}{}] {:3}% {}, {:.0f} s left", what_, std::string(filled, '#'),
             std::string(kBarWidth - filled, '.'), 100 * done / total, speed, left);
  std::fflush(stderr);
}

}  // namespace adweave::app
