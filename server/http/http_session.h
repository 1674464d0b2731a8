#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <cstdint>
#include <map>
#include <memory>

#include "engine/base/mutex.h"
#include "server/frontend/open_calls.h"
#include "server/http/http_server.h"

namespace beak {

// The requests of a server that somebody still has in hand, so that its end can wait for them. *Thread-safe.*
class OpenExchanges {
 public:
  class Member {
   public:
    virtual ~Member() = default;
    // Its client has hung up.
    virtual void HangUp() = 0;
  };

  void Add(const std::shared_ptr<Member>& member);
  // The last act of a member's destructor.
  void Remove(const Member* member);

  // Hangs up those that are left, and returns when all have gone: whoever has them answers them soon.
  void EndAll();

 private:
  Mutex mutex_;
  CondVar gone_;
  std::map<const Member*, std::weak_ptr<Member>> members_ GUARDED_BY(mutex_);
};

// What the connections of one server have in common. *Thread-safe.* Must outlive them.
struct HttpSessions {
  HttpSessions(const HttpServer::Options& server_options, HttpServer::Handler request_handler)
      : options(server_options), handler(std::move(request_handler)) {}

  const HttpServer::Options options;
  const HttpServer::Handler handler;
  OpenCalls calls;          // requests whose answer has not been sent
  OpenExchanges exchanges;  // requests that somebody may still answer
  std::atomic<bool> ending{false};
  std::atomic<int> connections{0};
  std::atomic<int64_t> held_bytes{0};  // of bodies that are coming in or are being answered
};

// Serves a connection, whose executor must be a strand, until either side closes it. `tls` null: in the clear.
void StartHttpSession(boost::asio::ip::tcp::socket socket, std::shared_ptr<boost::asio::ssl::context> tls,
                      HttpSessions& shared);

}  // namespace beak
