// SPDX-License-Identifier: Apache-2.0
// Sends deliveries to an HTTP server over connections that stay open, each with one request on its
// way, and prints what that took as one line of JSON. Every answer must have the expected status.
//
//   http_load --port 8080 [--host 127.0.0.1] [--path /v1/events] [--connections 64]
//             [--requests 50000] [--events 1] [--body FILE] [--status 200] [--rate 0]
//
// --rate is requests a second at most; 0: as fast as they are answered. Without --body each request
// holds new impressions of now as NDJSON, each with an id of its own.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>
#include <deque>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string host = "127.0.0.1";
  std::string path = "/v1/events";
  std::string body;
  int port = 8080;
  int status = 200;
  int64_t connections = 64;
  int64_t requests = 50000;
  int64_t events = 1;
  int64_t rate = 0;
};

struct Connection {
  int socket = -1;
  std::string in;
  Clock::time_point began;
};

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what);
}

void check(bool is_fine, const std::string& what) {
  if (!is_fine) fail(what + ": " + std::strerror(errno));
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  const size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, length};
}

// About 300 bytes, with the fields of the notebook's impressions.
std::string impression(const std::string& run, int64_t number, const std::string& now) {
  const std::string n = std::to_string(number);
  return R"({"ad_creative_id":"creative-)" + std::to_string(number % 300) +
         R"(","user_id":"user-)" + std::to_string(number * 7919 % 100000) + R"(","timestamp":")" +
         now + R"(","website":"https://news.example.com/articles/)" +
         std::to_string(number % 1000) + R"(","id":"imp-)" + run + "-" + n +
         R"(","user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36","cost":0.0042,)"
         R"("currency":"EUR","is_viewable":true})" +
         "\n";
}

class Load {
 public:
  explicit Load(Options options) : options_(std::move(options)), epoll_(epoll_create1(0)) {
    check(epoll_ >= 0, "epoll_create1");
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    run_ = std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(since).count());
  }

  void run() {
    connections_.resize(static_cast<size_t>(std::min(options_.connections, options_.requests)));
    for (size_t i = 0; i < connections_.size(); ++i) open(i);
    began_ = Clock::now();
    for (Connection& connection : connections_) free_.push_back(&connection);
    std::vector<epoll_event> ready(connections_.size());
    while (static_cast<int64_t>(latencies_.size()) < options_.requests) {
      begin_due();
      const bool is_ahead = !free_.empty() && sent_ < options_.requests;
      const int count =
          epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), is_ahead ? 1 : 60'000);
      check(count >= 0, "epoll_wait");
      if (count == 0 && !is_ahead) fail("no answer for a minute");
      for (int i = 0; i < count; ++i) read(connections_[ready[static_cast<size_t>(i)].data.u64]);
    }
    report(std::chrono::duration<double>(Clock::now() - began_).count());
  }

 private:
  void open(size_t number) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(options_.port));
    if (inet_pton(AF_INET, options_.host.c_str(), &address.sin_addr) != 1)
      fail("not an IPv4 address: " + options_.host);
    Connection& connection = connections_[number];
    connection.socket = socket(AF_INET, SOCK_STREAM, 0);
    check(connection.socket >= 0, "socket");
    const int on = 1;
    setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    check(::connect(connection.socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0,
          "connect");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = number;
    check(epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket, &event) == 0, "epoll_ctl");
  }

  std::string next_body() {
    if (!options_.body.empty()) return options_.body;
    std::string body;
    const std::string now = now_text();
    for (int64_t i = 0; i < options_.events; ++i) body += impression(run_, made_++, now);
    return body;
  }

  // Sends the requests whose time has come.
  void begin_due() {
    while (!free_.empty() && sent_ < options_.requests) {
      const double seconds = std::chrono::duration<double>(Clock::now() - began_).count();
      const auto due = static_cast<int64_t>(seconds * static_cast<double>(options_.rate));
      if (options_.rate > 0 && sent_ > due) return;
      Connection& connection = *free_.front();
      free_.pop_front();
      begin(connection);
    }
  }

  void begin(Connection& connection) {
    ++sent_;
    const std::string body = next_body();
    const std::string request =
        "POST " + options_.path + " HTTP/1.1\r\nHost: " + options_.host +
        "\r\nContent-Type: application/x-ndjson\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\n\r\n" + body;
    bytes_ += static_cast<int64_t>(body.size());
    connection.began = Clock::now();
    for (size_t done = 0; done < request.size();) {
      const ssize_t count =
          send(connection.socket, request.data() + done, request.size() - done, MSG_NOSIGNAL);
      check(count > 0, "send");
      done += static_cast<size_t>(count);
    }
  }

  void read(Connection& connection) {
    char piece[16384];
    const ssize_t count = recv(connection.socket, piece, sizeof piece, 0);
    check(count >= 0, "recv");
    if (count == 0) fail("the server has closed a connection");
    connection.in.append(piece, static_cast<size_t>(count));
    if (!is_whole(connection.in)) return;
    latencies_.push_back(
        std::chrono::duration<double, std::micro>(Clock::now() - connection.began).count());
    connection.in.clear();
    free_.push_back(&connection);
  }

  // Whether the answer has come to its end, by its Content-Length.
  bool is_whole(const std::string& answer) const {
    const size_t head = answer.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    if (answer.compare(9, 3, std::to_string(options_.status)) != 0)
      fail("not " + std::to_string(options_.status) + ": " + answer);
    const std::string name = "\r\ncontent-length:";
    const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
    const auto end = answer.begin() + static_cast<ptrdiff_t>(head);
    const auto found = std::search(answer.begin(), end, name.begin(), name.end(), same);
    if (found == end) return true;
    const size_t value = static_cast<size_t>(found - answer.begin()) + name.size();
    return answer.size() >= head + 4 + std::stoul(answer.substr(value, head - value));
  }

  double percentile(double share) const {
    return latencies_[static_cast<size_t>(share * static_cast<double>(latencies_.size() - 1))];
  }

  void report(double seconds) {
    std::sort(latencies_.begin(), latencies_.end());
    std::cout << R"({"requests":)" << latencies_.size() << R"(,"bytes":)" << bytes_
              << R"(,"seconds":)" << seconds << R"(,"p50_us":)" << percentile(0.5)
              << R"(,"p99_us":)" << percentile(0.99) << "}\n";
  }

  Options options_;
  int epoll_;
  std::string run_;  // what makes the ids of this run differ from those of another
  std::vector<Connection> connections_;
  std::deque<Connection*> free_;  // nothing of theirs is on its way
  std::vector<double> latencies_;
  Clock::time_point began_;
  int64_t sent_ = 0;
  int64_t made_ = 0;
  int64_t bytes_ = 0;
};

Options read_options(const std::vector<std::string>& words) {
  Options options;
  const std::map<std::string, int64_t*> numbers = {{"--connections", &options.connections},
                                                   {"--requests", &options.requests},
                                                   {"--events", &options.events},
                                                   {"--rate", &options.rate}};
  for (size_t i = 0; i + 1 < words.size(); i += 2) {
    const std::string& name = words[i];
    const std::string& value = words[i + 1];
    if (numbers.contains(name)) {
      *numbers.at(name) = std::stoll(value);
    } else if (name == "--port" || name == "--status") {
      (name == "--port" ? options.port : options.status) = std::stoi(value);
    } else if (name == "--host" || name == "--path") {
      (name == "--host" ? options.host : options.path) = value;
    } else if (name == "--body") {
      std::ifstream file(value, std::ios::binary);
      if (!file) fail("cannot read " + value);
      options.body.assign(std::istreambuf_iterator<char>(file), {});
    } else {
      fail("no such option: " + name);
    }
  }
  if (words.size() % 2 != 0) fail("an option without its value: " + words.back());
  if (options.connections < 1 || options.requests < 1) fail("there is nothing to send");
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Load(read_options({argv + 1, argv + argc})).run();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "http_load: " << error.what() << "\n";
    return 1;
  }
}
