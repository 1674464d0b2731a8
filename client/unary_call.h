#pragma once

#include <functional>
#include <future>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/channel.h"

// Unary calls through a Channel, with the methods of generated stubs.
namespace beak::client {

// A call's messages, alive until its last attempt has ended.
template <typename Request, typename Response>
struct Messages {
  Request request;
  Response response;
};

// A generated method of a service's stub, callback style.
template <typename Async, typename Request, typename Response>
using AsyncMethod = void (Async::*)(::grpc::ClientContext*, const Request*, Response*,
                                    std::function<void(::grpc::Status)>);

// `stub` outlives the call.
template <typename Async, typename Request, typename Response>
void CallAsync(Channel& channel, const CallOptions& options, Async* stub, AsyncMethod<Async, Request, Response> method,
               Request request, std::function<void(absl::StatusOr<Response>)> done) {
  auto messages = std::make_shared<Messages<Request, Response>>();
  messages->request = std::move(request);
  const auto start = [messages, stub, method](::grpc::ClientContext* context,
                                              std::function<void(::grpc::Status)> ended) {
    messages->response.Clear();
    (stub->*method)(context, &messages->request, &messages->response, std::move(ended));
  };
  channel.Call(options, start, [messages, done = std::move(done)](const absl::Status& status) {
    if (!status.ok()) return done(status);
    done(std::move(messages->response));
  });
}

// The same, waiting for the answer.
template <typename Async, typename Request, typename Response>
absl::StatusOr<Response> Call(Channel& channel, const CallOptions& options, Async* stub,
                              AsyncMethod<Async, Request, Response> method, Request request) {
  // Shared with the callback, which may still hold it when get() has returned.
  auto promise = std::make_shared<std::promise<absl::StatusOr<Response>>>();
  std::future<absl::StatusOr<Response>> result = promise->get_future();
  CallAsync<Async, Request, Response>(
      channel, options, stub, method, std::move(request),
      [promise](absl::StatusOr<Response> response) { promise->set_value(std::move(response)); });
  return result.get();
}

}  // namespace beak::client
