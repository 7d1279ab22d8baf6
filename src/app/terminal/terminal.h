// SPDX-License-Identifier: Apache-2.0
// What the terminal can do: its width, whether there is one, and a progress bar on it.
#pragma once

#include <cstdint>
#include <string>

namespace adweave::app {

// Columns of standard output; without a bound where it is no terminal.
int output_width();

// A line on standard error that shows how much is done, rate and time left; nothing where that is
// no terminal.
class ProgressBar {
 public:
  enum class Unit { bytes, events };
  explicit ProgressBar(std::string what, Unit unit = Unit::bytes);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void show(int64_t done, int64_t total);

 private:
  std::string what_;
  Unit unit_;
  bool on_terminal_;
  int64_t begin_us_;
  int64_t shown_us_ = 0;
};

// Microseconds since the epoch, by the system's clock.
int64_t now_us();
// Microseconds of a clock that nobody sets, since some time or other.
int64_t steady_us();

}  // namespace adweave::app
