// SPDX-License-Identifier: Apache-2.0
// Bytes to one HttpRequest, by Beast's parser. It fills the request in place rather than a Beast
// message that would be copied. Includes Boost: for http_server.cc only.
#pragma once

#include <algorithm>
#include <string>

#include <boost/beast/core/error.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "net/http_server.h"
#include "net/http_text.h"

namespace adweave::net {

using boost::beast::error_code;
namespace http = boost::beast::http;

// For one request; the next one needs a new parser.
class RequestParser final : public http::basic_parser<true> {
 public:
  explicit RequestParser(const HttpServerOptions& options) {
    header_limit(static_cast<uint32_t>(options.header_bytes_max));
    body_limit(static_cast<uint64_t>(options.body_bytes_max));
    eager(true);
  }

  HttpRequest& request() { return request_; }
  bool http_1_0() const { return version_ == 10; }
  // The client waits for a word before it sends the body.
  bool expects_continue() const { return expects_continue_; }

  // What to answer when put() has failed.
  HttpResponse refusal(error_code error) const {
    if (refusal_.status != 0) return refusal_;
    if (error == http::error::header_limit) return http_problem(431, "the header is too large");
    if (error == http::error::body_limit) return http_problem(413, "the body is too large");
    if (error == http::error::bad_version) return http_problem(505, "only HTTP/1.x is spoken here");
    return http_problem(400, "the request is malformed: " + error.message());
  }

 private:
  void refuse(int status, std::string_view detail, error_code& error) {
    refusal_ = http_problem(status, detail);
    error = http::error::bad_value;
  }

  void on_request_impl(http::verb /*method*/, boost::beast::string_view method,
                       boost::beast::string_view target, int version, error_code& error) override {
    request_.method.assign(method.data(), method.size());
    version_ = version;
    if (!read_target({target.data(), target.size()}, request_)) {
      refuse(400, "the request target is malformed", error);
    }
  }

  // Also called for what trails a chunked body; that is left out, for it comes after the checks.
  void on_field_impl(http::field name, boost::beast::string_view name_text,
                     boost::beast::string_view value, error_code& error) override {
    if (is_header_done()) return;
    request_.headers.push_back({std::string(name_text), std::string(value)});
    const std::string& text = request_.headers.back().value;
    if (name == http::field::host) ++hosts_;
    if (name == http::field::transfer_encoding && !same_name(text, "chunked")) {
      refuse(501, "no transfer encoding but chunked is known", error);
    }
    if (name == http::field::expect) {
      expects_continue_ = same_name(text, "100-continue");
      if (!expects_continue_) refuse(417, "nothing but 100-continue can be expected", error);
    }
  }

  void on_header_impl(error_code& error) override {
    if (hosts_ > 1 || (hosts_ == 0 && !http_1_0())) {
      refuse(400, "a request names one Host", error);
    }
  }

  // The length is only what the client says, so not all of it is taken from memory now.
  void on_body_init_impl(const boost::optional<uint64_t>& length, error_code& /*error*/) override {
    if (!length) return;
    request_.body.reserve(std::min<uint64_t>(*length, limits::kHttpBodyReadBytes));
  }
  size_t on_body_impl(boost::beast::string_view bytes, error_code& /*error*/) override {
    request_.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_chunk_header_impl(uint64_t /*size*/, boost::beast::string_view /*extensions*/,
                            error_code& /*error*/) override {}
  size_t on_chunk_body_impl(uint64_t /*rest*/, boost::beast::string_view bytes,
                            error_code& error) override {
    return on_body_impl(bytes, error);
  }
  void on_finish_impl(error_code& /*error*/) override {}
  void on_response_impl(int /*status*/, boost::beast::string_view /*reason*/, int /*version*/,
                        error_code& /*error*/) override {}

  HttpRequest request_;
  HttpResponse refusal_{.status = 0};
  int version_ = 11;
  int hosts_ = 0;
  bool expects_continue_ = false;
};

}  // namespace adweave::net
