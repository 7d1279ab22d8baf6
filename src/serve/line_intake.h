// SPDX-License-Identifier: Apache-2.0
// Lines that come over TCP ports and by standard input: they are kept in the journal like what
// comes by HTTP, but nobody is told. A stream waits while the journal is full.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "net/line_receiver.h"
#include "serve/collector.h"
#include "serve/options.h"

namespace adweave::serve {

class LineIntake {
 public:
  // `collector` must outlive it. Fails with io when a port cannot be listened on.
  static Result<std::unique_ptr<LineIntake>> start(const std::vector<LineSource>& sources,
                                                   Collector& collector);
  // Keeps what has come, if the journal takes it.
  ~LineIntake();
  LineIntake(const LineIntake&) = delete;
  LineIntake& operator=(const LineIntake&) = delete;

  // Of the TCP ports, in the order of the sources.
  std::vector<int> ports() const;

 private:
  explicit LineIntake(Collector& collector) : collector_(collector) {}
  bool keep(const std::string& source, const std::string& lines);

  Collector& collector_;
  std::atomic<bool> is_stopping_ = false;
  std::vector<std::unique_ptr<net::LineReceiver>> receivers_;
};

}  // namespace adweave::serve
