// SPDX-License-Identifier: Apache-2.0
// Sends deliveries to an HTTP server over connections that stay open, each with one request on its
// way, and prints what that took as one line of JSON. Every answer must have the expected status.
//
//   http_load --port 8080 [--host 127.0.0.1] [--path /v1/events] [--connections 64]
//             [--requests 50000] [--seconds 0] [--events 1] [--body FILE] [--lines FILE]
//             [--status 200] [--rate 0] [--impatient -1] [--hot 0] [--acknowledged FILE]
//
// --rate is requests a second at most; 0: as fast as they are answered. A request's time begins
// when it was due, and ends with the answer that it was taken. It ends after --seconds, if that is
// not 0, or when --requests are answered. Without --body each request holds new impressions of now
// as NDJSON, each with an id of its own; --hot percent of them are of one creative. With
// --lines it holds the next --events lines of a file, to its end.
// --acknowledged takes the id of the first one of each request that was answered as expected, also
// when it fails.
//
// With --impatient 0 to 100 the answers 429 and 503 are allowed, if they have a Retry-After: the
// same request is sent again, by so many percent of the connections at once, by the others when
// that time is over.
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
  std::vector<std::string> lines;
  int port = 8080;
  int status = 200;
  int64_t connections = 64;
  int64_t requests = 50000;
  int64_t events = 1;
  int64_t seconds = 0;
  int64_t rate = 0;
  int64_t impatient = -1;  // percent of the connections; -1: a refusal is a failure
  int64_t hot = 0;         // percent of the impressions
  std::string acknowledged;
};

struct Connection {
  int socket = -1;
  bool is_impatient = false;
  std::string request;
  std::string first_id;  // of its impressions
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

std::string impression_id(const std::string& run, int64_t number) {
  return "imp-" + run + "-" + std::to_string(number);
}

// About 300 bytes, with the fields of the notebook's impressions.
std::string impression(const std::string& run, int64_t number, const std::string& now,
                       int64_t hot) {
  const int64_t creative = number % 100 < hot ? 0 : number % 300;
  return R"({"ad_creative_id":"creative-)" + std::to_string(creative) + R"(","user_id":"user-)" +
         std::to_string(number * 7919 % 100000) + R"(","timestamp":")" + now +
         R"(","website":"https://news.example.com/articles/)" + std::to_string(number % 1000) +
         R"(","id":")" + impression_id(run, number) +
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
    if (!options_.acknowledged.empty()) acknowledged_.open(options_.acknowledged);
    connections_.resize(static_cast<size_t>(std::min(options_.connections, options_.requests)));
    for (size_t i = 0; i < connections_.size(); ++i) {
      open(i);
      connections_[i].is_impatient = static_cast<int64_t>(i % 100) < options_.impatient;
    }
    began_ = Clock::now();
    for (Connection& connection : connections_) free_.push_back(&connection);
    std::vector<epoll_event> ready(connections_.size());
    while (!is_done()) {
      begin_due();
      const bool is_ahead = !refused_.empty() || (!free_.empty() && may_begin());
      const int count =
          epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), is_ahead ? 1 : 60'000);
      check(count >= 0, "epoll_wait");
      if (count == 0 && !is_ahead) fail("no answer for a minute");
      for (int i = 0; i < count; ++i) read(ready[static_cast<size_t>(i)].data.u64);
    }
    report(seconds());
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

  double seconds() const { return std::chrono::duration<double>(Clock::now() - began_).count(); }

  bool may_begin() const {
    const bool is_over = options_.seconds > 0 && seconds() >= static_cast<double>(options_.seconds);
    return !is_over && made_ < options_.requests;
  }

  // Nothing is on its way, and nothing will be. What is still refused at the end stays so.
  bool is_done() const {
    return free_.size() + refused_.size() == connections_.size() && !may_begin() &&
           (refused_.empty() || options_.seconds > 0);
  }

  std::string next_body() const {
    if (!options_.body.empty()) return options_.body;
    std::string body;
    const std::string now = now_text();
    const int64_t first = made_ * options_.events;
    for (int64_t i = first; i < first + options_.events; ++i) {
      if (options_.lines.empty()) {
        body += impression(run_, i, now, options_.hot);
      } else if (i < std::ssize(options_.lines)) {
        body += options_.lines[static_cast<size_t>(i)] + '\n';
      }
    }
    return body;
  }

  // Sends the requests whose time has come.
  void begin_due() {
    while (!refused_.empty() && refused_.begin()->first <= Clock::now() && may_go_on()) {
      Connection& connection = *refused_.begin()->second;
      refused_.erase(refused_.begin());
      send_request(connection);
    }
    while (!free_.empty() && may_begin()) {
      const auto due = static_cast<int64_t>(seconds() * static_cast<double>(options_.rate));
      if (options_.rate > 0 && made_ > due) return;
      Connection& connection = *free_.front();
      free_.pop_front();
      begin(connection);
    }
  }

  Clock::time_point due_at(int64_t number) const {
    if (options_.rate == 0) return Clock::now();
    return began_ + std::chrono::nanoseconds(number * 1'000'000'000 / options_.rate);
  }

  // Whether refused requests are sent again.
  bool may_go_on() const { return options_.seconds == 0 || may_begin(); }

  void begin(Connection& connection) {
    connection.began = due_at(made_);
    const std::string body = next_body();
    connection.first_id = impression_id(run_, made_++ * options_.events);
    connection.request =
        "POST " + options_.path + " HTTP/1.1\r\nHost: " + options_.host +
        "\r\nContent-Type: application/x-ndjson\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\n\r\n" + body;
    bytes_ += static_cast<int64_t>(body.size());
    send_request(connection);
  }

  void send_request(Connection& connection) {
    if (connection.socket < 0) open(static_cast<size_t>(&connection - connections_.data()));
    ++sent_;
    const std::string& request = connection.request;
    for (size_t done = 0; done < request.size();) {
      const ssize_t count =
          send(connection.socket, request.data() + done, request.size() - done, MSG_NOSIGNAL);
      check(count > 0, "send");
      done += static_cast<size_t>(count);
    }
  }

  void read(size_t number) {
    Connection& connection = connections_[number];
    char piece[16384];
    const ssize_t count = recv(connection.socket, piece, sizeof piece, 0);
    check(count >= 0, "recv");
    if (count == 0) fail("the server has closed a connection");
    connection.in.append(piece, static_cast<size_t>(count));
    if (!is_whole(connection.in)) return;
    const int status = std::stoi(connection.in.substr(9, 3));
    if (status == options_.status) {
      acknowledge(connection);
    } else if (options_.impatient >= 0 && (status == 429 || status == 503)) {
      refuse(connection, status);
    } else {
      fail("not " + std::to_string(options_.status) + ": " + connection.in);
    }
    if (header(connection.in, "connection") == "close") {
      close(connection.socket);
      connection.socket = -1;
    }
    connection.in.clear();
  }

  void acknowledge(Connection& connection) {
    latencies_.push_back(
        std::chrono::duration<double, std::micro>(Clock::now() - connection.began).count());
    if (acknowledged_.is_open()) acknowledged_ << connection.first_id << '\n';
    free_.push_back(&connection);
  }

  void refuse(Connection& connection, int status) {
    const std::string retry_after = header(connection.in, "retry-after");
    if (retry_after.empty()) fail("without Retry-After: " + connection.in);
    if (++refusals_[status] == 1 && refusals_.size() == 1) first_refusal_ = seconds();
    const std::chrono::seconds wait(connection.is_impatient ? 0 : std::stoi(retry_after));
    refused_.emplace(Clock::now() + wait, &connection);
  }

  // Its value; empty when there is none.
  static std::string header(const std::string& answer, const std::string& lower_case) {
    const std::string name = "\r\n" + lower_case + ": ";
    const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
    const auto end = answer.begin() + static_cast<ptrdiff_t>(answer.find("\r\n\r\n") + 2);
    const auto found = std::search(answer.begin(), end, name.begin(), name.end(), same);
    if (found == end) return {};
    const auto value = found + static_cast<ptrdiff_t>(name.size());
    return {value, std::find(value, end, '\r')};
  }

  // Whether the answer has come to its end, by its Content-Length.
  static bool is_whole(const std::string& answer) {
    const size_t head = answer.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    const std::string length = header(answer, "content-length");
    return length.empty() || answer.size() >= head + 4 + std::stoul(length);
  }

  double percentile(double share) const {
    if (latencies_.empty()) return 0;
    return latencies_[static_cast<size_t>(share * static_cast<double>(latencies_.size() - 1))];
  }

  void report(double seconds) {
    std::sort(latencies_.begin(), latencies_.end());
    std::cout << R"({"requests":)" << latencies_.size() << R"(,"bytes":)" << bytes_
              << R"(,"seconds":)" << seconds << R"(,"p50_us":)" << percentile(0.5)
              << R"(,"p99_us":)" << percentile(0.99) << R"(,"sent":)" << sent_
              << R"(,"refused_429":)" << refusals_[429] << R"(,"refused_503":)" << refusals_[503]
              << R"(,"first_refusal_seconds":)" << first_refusal_ << "}\n";
  }

  Options options_;
  int epoll_;
  std::string run_;  // what makes the ids of this run differ from those of another
  std::vector<Connection> connections_;
  std::deque<Connection*> free_;                           // nothing of theirs is on its way
  std::multimap<Clock::time_point, Connection*> refused_;  // by when they send it again
  std::map<int, int64_t> refusals_;                        // by status
  double first_refusal_ = 0;
  std::ofstream acknowledged_;
  std::vector<double> latencies_;
  Clock::time_point began_;
  int64_t sent_ = 0;  // requests, those that were sent again too
  int64_t made_ = 0;  // requests
  int64_t bytes_ = 0;
};

Options read_options(const std::vector<std::string>& words) {
  Options options;
  const std::map<std::string, int64_t*> numbers = {{"--connections", &options.connections},
                                                   {"--requests", &options.requests},
                                                   {"--events", &options.events},
                                                   {"--seconds", &options.seconds},
                                                   {"--rate", &options.rate},
                                                   {"--impatient", &options.impatient},
                                                   {"--hot", &options.hot}};
  for (size_t i = 0; i + 1 < words.size(); i += 2) {
    const std::string& name = words[i];
    const std::string& value = words[i + 1];
    if (numbers.contains(name)) {
      *numbers.at(name) = std::stoll(value);
    } else if (name == "--port" || name == "--status") {
      (name == "--port" ? options.port : options.status) = std::stoi(value);
    } else if (name == "--host" || name == "--path") {
      (name == "--host" ? options.host : options.path) = value;
    } else if (name == "--acknowledged") {
      options.acknowledged = value;
    } else if (name == "--lines") {
      std::ifstream file(value);
      if (!file) fail("cannot read " + value);
      for (std::string line; std::getline(file, line);) options.lines.push_back(line);
    } else if (name == "--body") {
      std::ifstream file(value, std::ios::binary);
      if (!file) fail("cannot read " + value);
      options.body.assign(std::istreambuf_iterator<char>(file), {});
    } else {
      fail("no such option: " + name);
    }
  }
  if (words.size() % 2 != 0) fail("an option without its value: " + words.back());
  if (!options.lines.empty()) {
    const int64_t all = std::ssize(options.lines);
    options.requests = (all + options.events - 1) / options.events;
  }
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
