// SPDX-License-Identifier: Apache-2.0
// How commands talk to the server that runs on a data folder: by the socket DIR/adweave.sock, a
// line of JSON each way.
//
//   {"status": true}                          -> how it stands (serve::Server::status())
//   {"upkeep": {"command": "seal", ...}}      -> {"text": what was done}
//   {"pause": "clicks"}, {"resume": ...}      -> {"text": what was done}
//   anything that fails                       -> {"error": {"code", "message", "fix"}}
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "engine/background_merge.h"
#include "engine/live.h"
#include "net/local_socket.h"
#include "serve/server.h"
#include "source/paused_sources.h"

namespace adweave::app {

// What a server's answers are made of; all that is referred to must outlive them.
struct Controlled {
  FileSystem& fs;
  engine::Live& live;
  engine::BackgroundMerge& merge;
  const serve::Server& server;
  source::PausedSources& paused;
  std::vector<std::string> sources;  // their names
};

// Answers commands until it is destroyed. Fails with io.
Result<std::unique_ptr<net::LocalServer>> start_control(const std::string& data,
                                                        Controlled controlled);

// Durable; what was done, for people.
Result<std::string> set_paused(source::PausedSources& sources, const std::string& source,
                               bool pause);

// Asks the server of a folder; zero waits for good. Fails with not_found when none runs there, and
// with what the server says.
Result<JsonValue> ask(const std::string& data, JsonValue::Object question,
                      std::chrono::microseconds patience);

}  // namespace adweave::app
