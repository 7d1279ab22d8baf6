// SPDX-License-Identifier: Apache-2.0
// Asks an HTTP server, plain or with TLS: one request a connection, for calls that are few.
//
//   auto client = HttpClient::open({.url = "https://registry.example:8081/api"});
//   if (!client) return client.error();
//   const Result<HttpAnswer> answer = client->get("/schemas/ids/7");  // of /api/schemas/ids/7
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/result.h"

namespace adweave::net {

struct HttpClientOptions {
  std::string url;            // http://HOST[:PORT][/PATH] or https://; without user and query
  std::string authorization;  // the header's value, as "Bearer TOKEN"; empty: none. Never told
  std::string ca_file;        // PEM: who may have signed the certificate; empty: the system's
  int64_t timeout_us = limits::kCallTimeoutUs;  // of a call, from its name's look-up on
  int64_t answer_bytes_max = limits::kCallAnswerBytesMax;
};

struct HttpAnswer {
  int status = 0;
  std::string body;
};

// "Basic ..." of a user and a password.
std::string basic_authorization(std::string_view user, std::string_view password);

// Thread-safe.
class HttpClient {
 public:
  // Fails with config: the URL is none, or the file of certificates cannot be read.
  static Result<HttpClient> open(HttpClientOptions options);
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  // Whatever the status is; redirects are not followed. `path` begins with '/'. Fails with io,
  // naming the server: it cannot be reached, proves no identity, does not answer in time, or what
  // it answers is no HTTP or too long. A repeat may help.
  Result<HttpAnswer> get(std::string_view path) const;

  // "https://registry.example:8081/api"
  const std::string& url() const;

 private:
  class Impl;
  explicit HttpClient(std::unique_ptr<const Impl> impl);

  std::unique_ptr<const Impl> impl_;
};

}  // namespace adweave::net
