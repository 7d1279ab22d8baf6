// SPDX-License-Identifier: Apache-2.0
// What the configuration says of the server, as plain data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace adweave::serve {

enum class Role : uint8_t {
  ingest,  // may deliver events
  read,    // may ask
  admin,   // may do all
};

// A bearer token, known by its SHA-256 alone.
struct Token {
  std::string name;
  std::string sha256;  // hexadecimal
  Role role = Role::ingest;
};

struct Address {
  std::string host = "127.0.0.1";
  int port = 0;
};

// A source that takes deliveries.
struct HttpSource {
  std::string name;
  std::string format;           // "json", "csv", "avro" or "lines"
  bool is_compressible = true;  // whether its bytes may come compressed
};

struct Options {
  Address address{"127.0.0.1", 8080};
  Address metrics{"127.0.0.1", 8000};
  std::vector<Token> tokens;  // none: whoever can connect may do all
  std::vector<HttpSource> sources;
  std::string certificate;  // PEM files; empty: without TLS
  std::string key;
};

}  // namespace adweave::serve
