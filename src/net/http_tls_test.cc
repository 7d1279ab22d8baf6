// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "net/http_client.h"
#include "net/net_test_support.h"

namespace adweave::net {
namespace {

using testing::HasSubstr;

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;

// A certificate that signs itself, and its key, as files.
class HttpTlsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (std::filesystem::temp_directory_path() / "adweave_tls_XXXXXX").string();
    ASSERT_NE(nullptr, ::mkdtemp(folder.data()));
    folder_ = folder;
    write_pair("");
    write_pair("other_");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name) const { return (folder_ / name).string(); }
  HttpServerOptions options() const {
    return {.certificate = file("certificate.pem"), .key = file("key.pem")};
  }

 private:
  void write_pair(const std::string& prefix) const {
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate(X509_new());
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    ASSERT_GT(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
    FILE* out = std::fopen(file(prefix + "certificate.pem").c_str(), "w");
    PEM_write_X509(out, certificate.get());
    std::fclose(out);
    out = std::fopen(file(prefix + "key.pem").c_str(), "w");
    PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
  }

  std::filesystem::path folder_;
};

class TlsClient {
 public:
  TlsClient(int port, int version_max) : client_(port), context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_security_level(context_.get(), 0);  // so that old versions are offered at all
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), version_max);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), client_.socket());
    connected_ = SSL_connect(ssl_.get()) == 1;
  }

  bool connected() const { return connected_; }
  std::string version() const { return SSL_get_version(ssl_.get()); }
  void send(const std::string& bytes) {
    SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
  }
  // Until `end` has come, or the connection has ended.
  std::string receive_until(const std::string& end) {
    std::string text;
    char buffer[4096];
    while (!text.ends_with(end)) {
      const int size = SSL_read(ssl_.get(), buffer, sizeof buffer);
      if (size <= 0) break;
      text.append(buffer, static_cast<size_t>(size));
    }
    return text;
  }

 private:
  TestClient client_;
  std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>> context_;
  std::unique_ptr<SSL, Freed<SSL_free>> ssl_;
  bool connected_ = false;
};

TEST_F(HttpTlsTest, AnswersOverTls) {
  const auto server = start_server(options(), echo);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(server->port(), version);
    ASSERT_TRUE(client.connected());
    for (int i = 0; i < 2; ++i) {
      client.send(post("/a", "hello"));
      EXPECT_THAT(client.receive_until("hello"), HasSubstr("\r\n\r\nPOST /a hello"));
    }
    const std::string large(300'000, 'x');
    client.send(post("/b", large + "end", "Connection: close\r\n"));
    EXPECT_THAT(client.receive_until("end"), HasSubstr("\r\n\r\nPOST /b " + large + "end"));
    EXPECT_EQ("", client.receive_until("more"));
  }
}

// The certificate must be signed by who is trusted, and be the host's.
TEST_F(HttpTlsTest, AClientAsksWhoItTrusts) {
  const auto server = start_server(options(), echo);
  const auto get_from = [&](const std::string& host, const std::string& ca_file) {
    const auto client = HttpClient::open(
        {.url = "https://" + host + ":" + std::to_string(server->port()), .ca_file = ca_file});
    EXPECT_TRUE(client) << client.error().message;
    return client->get("/a");
  };
  const auto answer = get_from("localhost", file("certificate.pem"));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "GET /a ");
  for (const auto& [host, ca_file] : {std::pair{"localhost", ""},
                                      {"localhost", "other_certificate.pem"},
                                      {"127.0.0.1", "certificate.pem"}}) {
    const auto refused = get_from(host, *ca_file ? file(ca_file) : "");
    ASSERT_FALSE(refused) << host << " " << ca_file;
    EXPECT_THAT(refused.error().message, HasSubstr("no secure connection"));
  }
  EXPECT_FALSE(HttpClient::open({.url = "https://a", .ca_file = file("none.pem")}));
}

TEST_F(HttpTlsTest, RefusesOldVersionsAndPlainText) {
  const auto server = start_server(options(), echo);
  EXPECT_FALSE(TlsClient(server->port(), TLS1_1_VERSION).connected());
  TestClient plain(server->port());
  plain.send(get("/"));
  plain.rest();  // an alert of TLS, then the end
  EXPECT_TRUE(TlsClient(server->port(), TLS1_3_VERSION).connected());
}

TEST_F(HttpTlsTest, TooManyConnectionsAreToldSo) {
  HttpServerOptions one = options();
  one.connections_max = 1;
  const auto server = start_server(one, echo);
  TlsClient first(server->port(), TLS1_3_VERSION);
  TlsClient second(server->port(), TLS1_3_VERSION);
  EXPECT_THAT(second.receive_until("connections\"}"), HasSubstr("HTTP/1.1 503 "));
}

TEST_F(HttpTlsTest, SlowHandshakesAreCutOff) {
  HttpServerOptions fast = options();
  fast.header_timeout_us = 200'000;
  const auto server = start_server(fast, echo);
  EXPECT_TRUE(TestClient(server->port()).is_closed());
}

TEST_F(HttpTlsTest, SaysWhatIsWrongWithTheFiles) {
  const auto why = [](const HttpServerOptions& options) {
    const auto server = HttpServer::start(options, echo);
    return server ? "" : server.error().message;
  };
  HttpServerOptions broken = options();
  broken.certificate = file("none.pem");
  EXPECT_THAT(why(broken), HasSubstr("none.pem cannot be read: No such file"));
  broken = options();
  broken.key = file("other_key.pem");
  EXPECT_THAT(why(broken), HasSubstr("is not that of"));
  std::ofstream(file("text.pem")) << "no certificate";
  broken = options();
  broken.certificate = file("text.pem");
  EXPECT_THAT(why(broken), HasSubstr("text.pem cannot be read"));
  broken.certificate = "";
  EXPECT_THAT(why(broken), HasSubstr("one of them is missing"));
}

}  // namespace
}  // namespace adweave::net
