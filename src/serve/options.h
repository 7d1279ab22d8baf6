// SPDX-License-Identifier: Apache-2.0
// What the configuration says of the server, as plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/log.h"
#include "source/tail.h"

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

// Who may use an endpoint.
enum class Access : uint8_t {
  anyone,
  ingest,          // a token that may deliver
  read,            // a token that may ask
  registry_read,   // a token of any role
  registry_write,  // a token that may deliver
  registry_admin,  // a token that may do all
  signature,       // whoever was given the request, signed
  signed_head,     // the same; what comes after the signature is filled in later
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

// A source whose lines come over a TCP port, or by standard input.
struct LineSource {
  std::string name;
  std::optional<Address> address;  // none: standard input
};

// A secret that signs what comes by a browser; any of them may have signed. Kept in a file or in a
// variable of the environment.
struct SigningKey {
  std::string file;
  std::string variable;
  std::string secret;  // filled in before the server starts
};

// An endpoint whose parameters become an event of a source; without a source there is none.
struct EventEndpoint {
  std::string source;
  Access access = Access::ingest;
};

struct Options {
  Address address{"127.0.0.1", 8080};
  Address metrics{"127.0.0.1", 8000};
  std::vector<Token> tokens;  // none: whoever can connect may do all
  std::vector<HttpSource> sources;
  std::vector<LineSource> lines;
  std::vector<source::TailSource> tails;  // filled in before the server starts
  std::vector<SigningKey> signing_keys;
  EventEndpoint pixel;      // an image
  EventEndpoint click;      // a redirect to a signed destination
  EventEndpoint postback;   // what another server tells
  EventEndpoint notices;    // what an exchange tells of an auction
  std::string certificate;  // PEM files; empty: without TLS
  std::string key;
  LogOptions log;
  std::optional<int64_t> seal_after_us = limits::kSealAfterUs;  // after a day's end; none: never
  std::optional<int64_t> reconcile_every_us = limits::kReconcileUs;  // none: never
  int64_t raw_kept_us = limits::kJournalKeptUs;  // what is committed stays in the journal
  int64_t lookup_days = 0;  // of events, that look-ups answer from; 0: there are none
};

}  // namespace adweave::serve
