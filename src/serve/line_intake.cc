// SPDX-License-Identifier: Apache-2.0
#include "serve/line_intake.h"

#include <chrono>
#include <future>
#include <thread>

#include <unistd.h>

#include "base/limits.h"

namespace adweave::serve {

namespace {

constexpr net::LineOptions kLines = {limits::kDeliveryBytesMax, limits::kLivePatienceUs / 2,
                                     limits::kHttpConnectionsMax};

}  // namespace

Result<std::unique_ptr<LineIntake>> LineIntake::start(const std::vector<LineSource>& sources,
                                                      Collector& collector) {
  std::unique_ptr<LineIntake> intake(new LineIntake(collector));
  for (const LineSource& source : sources) {
    const auto take = [&intake = *intake, name = source.name](const std::string& lines) {
      return intake.keep(name, lines);
    };
    auto receiver = source.address ? net::LineReceiver::listen(source.address->host,
                                                               source.address->port, kLines, take)
                                   : net::LineReceiver::read(STDIN_FILENO, kLines, take);
    if (!receiver) return Error(receiver.error()).within("source " + source.name);
    intake->receivers_.push_back(*std::move(receiver));
  }
  return intake;
}

LineIntake::~LineIntake() {
  is_stopping_ = true;
  receivers_.clear();
}

std::vector<int> LineIntake::ports() const {
  std::vector<int> ports;
  for (const auto& receiver : receivers_) {
    if (receiver->port() > 0) ports.push_back(receiver->port());
  }
  return ports;
}

// Waits until they are durable; tries again while the journal is full.
bool LineIntake::keep(const std::string& source, const std::string& lines) {
  constexpr int kKept = 200;
  while (true) {
    std::promise<int> status;
    collector_.take_lines(source, lines, [&](const net::HttpResponse& response) {
      status.set_value(response.status);
    });
    if (status.get_future().get() == kKept) return true;
    if (is_stopping_) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(limits::kLivePatienceUs));
  }
}

}  // namespace adweave::serve
