#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/base/scoped_fd.h"

namespace beak::testing {

// A connection that sends bytes as they are and reads answers of HTTP. *Thread-compatible.*
class HttpClient {
 public:
  explicit HttpClient(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }

  bool connected() const { return connected_; }

  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // The next answer, head and body; what came until the connection ended where that is less.
  std::string Receive(bool has_body = true) {
    size_t end;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!ReadSome()) return TakeAll();
    }
    size_t whole = end + 4;
    const size_t length = received_.find("Content-Length: ");
    if (has_body && length < end) whole += std::strtoul(received_.c_str() + length + 16, nullptr, 10);
    while (received_.size() < whole) {
      if (!ReadSome()) return TakeAll();
    }
    std::string answer = received_.substr(0, whole);
    received_.erase(0, whole);
    return answer;
  }

  std::string Exchange(std::string_view bytes) { return Send(bytes) ? Receive() : ""; }

  // Waits until the server has closed the connection; false where it sent something instead.
  bool AwaitClose() { return received_.empty() && !ReadSome() && received_.empty(); }

  void Close() { fd_.reset(); }

 private:
  bool ReadSome() {
    char buffer[4096];
    const ssize_t got = recv(fd_.get(), buffer, sizeof buffer, 0);
    if (got > 0) received_.append(buffer, static_cast<size_t>(got));
    return got > 0;
  }
  std::string TakeAll() {
    std::string all;
    all.swap(received_);
    return all;
  }

  ScopedFd fd_;
  bool connected_ = false;
  std::string received_;
};

}  // namespace beak::testing
