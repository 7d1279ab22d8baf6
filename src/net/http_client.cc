// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.h"

#include <optional>
#include <type_traits>
#include <utility>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <fmt/format.h>
#include <openssl/ssl.h>

#include "base/base64.h"

namespace adweave::net {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

struct Url {
  bool is_secure = false;
  std::string host, port, path;
  std::string host_header;
};

bool is_printable(std::string_view text) {
  for (const char each : text) {
    if (each <= ' ' || each > '~') return false;
  }
  return true;
}

// Null: it is none that can be asked.
std::optional<Url> parse_url(std::string_view text) {
  Url url;
  if (!is_printable(text) || text.find_first_of("?#@") != std::string_view::npos)
    return std::nullopt;
  if (text.starts_with("https://")) {
    url.is_secure = true;
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else {
    return std::nullopt;
  }
  const size_t end = std::min(text.find('/'), text.size());
  url.path = text.substr(end);
  while (url.path.ends_with('/')) url.path.pop_back();
  std::string_view place = text.substr(0, end);
  url.host_header = place;
  size_t colon = place.rfind(':');
  if (place.starts_with('[')) {  // IPv6
    const size_t close = place.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    url.host = place.substr(1, close - 1);
    colon = close + 1 < place.size() ? close + 1 : std::string_view::npos;
    if (colon != std::string_view::npos && place[colon] != ':') return std::nullopt;
  } else {
    url.host = place.substr(0, colon);
  }
  url.port = url.is_secure ? "443" : "80";
  if (colon != std::string_view::npos) url.port = place.substr(colon + 1);
  const bool is_number =
      !url.port.empty() && url.port.find_first_not_of("0123456789") == std::string::npos;
  if (url.host.empty() || !is_number || url.port.size() > 5) return std::nullopt;
  return url;
}

using Request = http::request<http::empty_body>;

// One call: name, connection, request and answer, one after the other, and a clock beside them.
// When the clock is faster, what is under way is left behind: the call ends with its event loop.
template <class Stream>
class Call {
 public:
  Call(asio::io_context& io, Stream& stream, const Url& url, const Request& request,
       int64_t bytes_max)
      : resolver_(io), stream_(stream), url_(url), request_(request) {
    parser_.body_limit(static_cast<uint64_t>(bytes_max));
  }

  void begin() {
    resolver_.async_resolve(url_.host, url_.port, [this](error_code error, const auto& found) {
      if (error) return fail("its name cannot be looked up", error);
      asio::async_connect(beast::get_lowest_layer(stream_).socket(), found,
                          [this](error_code failed, const Tcp::endpoint&) {
                            if (failed) return fail("it cannot be reached", failed);
                            shake_hands();
                          });
    });
  }

  bool is_done() const { return is_done_; }
  const std::string& problem() const { return problem_; }
  HttpAnswer take() {
    auto& answer = parser_.get();
    return {static_cast<int>(answer.result_int()), std::move(answer.body())};
  }

 private:
  void shake_hands() {
    if constexpr (!std::is_same_v<Stream, beast::tcp_stream>) {
      stream_.async_handshake(asio::ssl::stream_base::client, [this](error_code error) {
        if (error) return fail("no secure connection comes about", error);
        ask();
      });
    } else {
      ask();
    }
  }

  void ask() {
    http::async_write(stream_, request_, [this](error_code error, size_t) {
      if (error) return fail("it does not take the request", error);
      http::async_read(stream_, buffer_, parser_, [this](error_code failed, size_t) {
        if (failed) return fail("it gives no answer that can be read", failed);
        is_done_ = true;
      });
    });
  }

  void fail(std::string_view what, error_code error) {
    is_done_ = true;
    problem_ = fmt::format("{} ({})", what, error.message());
  }

  Tcp::resolver resolver_;
  Stream& stream_;
  const Url& url_;
  const Request& request_;
  beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
  bool is_done_ = false;
  std::string problem_;
};

}  // namespace

std::string basic_authorization(std::string_view user, std::string_view password) {
  return "Basic " + encode_base64(fmt::format("{}:{}", user, password));
}

class HttpClient::Impl {
 public:
  explicit Impl(HttpClientOptions options, Url url)
      : options_(std::move(options)), url_(std::move(url)), tls_(asio::ssl::context::tls_client) {}

  Status prepare() {
    if (!url_.is_secure) return {};
    error_code error;
    SSL_CTX_set_min_proto_version(tls_.native_handle(), TLS1_2_VERSION);
    tls_.set_verify_mode(asio::ssl::verify_peer, error);
    if (options_.ca_file.empty()) {
      tls_.set_default_verify_paths(error);
    } else {
      tls_.load_verify_file(options_.ca_file, error);
    }
    if (!error) return {};
    return Error{
        ErrorCode::config,
        fmt::format("{}: no certificates can be read: {}", options_.ca_file, error.message()),
        "name a file of certificates in PEM"};
  }

  Result<HttpAnswer> get(std::string_view path) const {
    Request request(http::verb::get, url_.path + std::string(path), 11);
    request.set(http::field::host, url_.host_header);
    request.set(http::field::user_agent, "adweave");
    request.set(http::field::accept, "application/json, */*;q=0.5");
    request.set(http::field::connection, "close");
    if (!options_.authorization.empty())
      request.set(http::field::authorization, options_.authorization);
    asio::io_context io;
    if (!url_.is_secure) {
      beast::tcp_stream stream(io);
      return call(io, stream, request);
    }
    beast::ssl_stream<beast::tcp_stream> stream(io, tls_);
    // Servers of several names choose by it; an address is none.
    error_code is_no_address;
    asio::ip::make_address(url_.host, is_no_address);
    if (is_no_address) SSL_set_tlsext_host_name(stream.native_handle(), url_.host.c_str());
    error_code error;
    stream.set_verify_callback(asio::ssl::host_name_verification(url_.host), error);
    if (error) return failure(error.message());
    return call(io, stream, request);
  }

  const std::string& url() const { return options_.url; }

 private:
  template <class Stream>
  Result<HttpAnswer> call(asio::io_context& io, Stream& stream, const Request& request) const {
    Call<Stream> call(io, stream, url_, request, options_.answer_bytes_max);
    call.begin();
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::microseconds(options_.timeout_us);
    while (!call.is_done() && io.run_one_until(end) > 0) continue;
    if (!call.is_done()) return failure("it does not answer in time");
    if (!call.problem().empty()) return failure(call.problem());
    return call.take();
  }

  Error failure(const std::string& why) const {
    return {.code = ErrorCode::io,
            .message = fmt::format("{}: {}", options_.url, why),
            .fix = "check that the server runs, and its address",
            .recovery = Recovery::retry};
  }

  HttpClientOptions options_;
  Url url_;
  mutable asio::ssl::context tls_;  // a stream takes it by a reference that could change it
};

HttpClient::HttpClient(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

Result<HttpClient> HttpClient::open(HttpClientOptions options) {
  std::optional<Url> url = parse_url(options.url);
  if (!url) {
    return Error{ErrorCode::config, "no address of a server: " + options.url,
                 "write it like https://HOST:PORT/PATH, without user and query"};
  }
  auto impl = std::make_unique<Impl>(std::move(options), *std::move(url));
  ADWEAVE_TRY(impl->prepare());
  return HttpClient(std::move(impl));
}

Result<HttpAnswer> HttpClient::get(std::string_view path) const {
  return impl_->get(path);
}

const std::string& HttpClient::url() const {
  return impl_->url();
}

}  // namespace adweave::net
