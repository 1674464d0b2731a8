#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// A request of HTTP and its answer, whatever library carries them. Value types.
namespace beak {

struct HttpRequest {
  std::string method;                                        // "GET"
  std::string target;                                        // as sent: "/v2/models/m/infer?x=1"
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, in the order of the message
  std::string body;
  std::string peer;       // "127.0.0.1:40000"
  std::string peer_name;  // the common name of its certificate; "" where it was not asked for one

  // The first header of a name in lower case; "" where there is none.
  std::string_view Header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }
};

struct HttpResponse {
  int status = 200;
  std::string content_type;
  std::vector<std::pair<std::string, std::string>> headers;  // beside those of length, type and connection
  std::string body;
};

// One request that waits for its answer. *Thread-safe*, but for TakeBody.
class HttpExchange {
 public:
  // Answers 500 where nobody has answered.
  virtual ~HttpExchange() = default;

  virtual const HttpRequest& request() const = 0;

  // The request's body, for whoever wants to have it for good.
  virtual std::string TakeBody() = 0;

  // Sends the answer, from any thread; the first one counts. Returns at once.
  virtual void Answer(HttpResponse response) = 0;

  // `cancel` is called, on a thread of the server, when the client has hung up before it had its answer; at once where
  // it already has. Call once.
  virtual void OnHangUp(std::function<void()> cancel) = 0;
};

}  // namespace beak
