#include "tests/integration/serving.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <sstream>

namespace beak::testing {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A socket that is connected to the port, or -1.
int ConnectSocket(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = Loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
  close(fd);
  return -1;
}

}  // namespace

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

std::shared_ptr<grpc::Channel> Connect(int port) { return Connect("127.0.0.1:" + std::to_string(port)); }

inference::ModelInferRequest FloatRequest(const std::string& model, const std::vector<int64_t>& shape,
                                          const std::vector<float>& values) {
  inference::ModelInferRequest request;
  request.set_model_name(model);
  auto& input = *request.add_inputs();
  input.set_name("x");
  input.set_datatype("FP32");
  input.mutable_shape()->Add(shape.begin(), shape.end());
  request.add_raw_input_contents(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return request;
}

grpc::Status Infer(InferenceStub& stub, const inference::ModelInferRequest& request,
                   inference::ModelInferResponse* response, std::chrono::milliseconds timeout) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  return stub.ModelInfer(&context, request, response);
}

std::vector<float> Floats(const inference::ModelInferResponse& response, int output) {
  if (response.raw_output_contents_size() <= output) return {};
  const std::string& raw = response.raw_output_contents(output);
  std::vector<float> values(raw.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), raw.data(), values.size() * sizeof(float));
  return values;
}

std::string HttpGet(int port, const std::string& path) {
  const int fd = ConnectSocket(port);
  if (fd < 0) return "";
  const std::string request = "GET " + path + " HTTP/1.0\r\nHost: localhost\r\n\r\n";
  std::string answer;
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
    char buffer[4096];
    for (ssize_t n; (n = recv(fd, buffer, sizeof(buffer), 0)) > 0;) answer.append(buffer, static_cast<size_t>(n));
  }
  close(fd);
  const size_t body = answer.find("\r\n\r\n");
  return body == std::string::npos ? "" : answer.substr(body + 4);
}

void SendRubbish(int port, const std::string& rubbish) {
  const int fd = ConnectSocket(port);
  if (fd < 0) return;
  send(fd, rubbish.data(), rubbish.size(), MSG_NOSIGNAL);
  close(fd);
}

double MetricValue(int metrics_port, const std::string& series) {
  std::istringstream lines(HttpGet(metrics_port, "/metrics"));
  for (std::string line; std::getline(lines, line);) {
    if (line.compare(0, series.size() + 1, series + " ") == 0) return std::stod(line.substr(series.size() + 1));
  }
  return -1;
}

Wire::Wire(int server_port, size_t limit) : server_port_(server_port), limit_(limit) {
  listener_ = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
  listen(listener_, 1);
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Carry(); });
}

Wire::~Wire() {
  Cut();
  thread_.join();
  close(client_);
  close(server_);
}

void Wire::AwaitLimit() { limit_reached_.get_future().wait(); }

void Wire::Cut() {
  shutdown(listener_, SHUT_RDWR);
  for (const int fd : {client_.load(), server_.load()}) {
    if (fd >= 0) shutdown(fd, SHUT_RDWR);
  }
}

void Wire::Carry() {
  client_ = accept(listener_, nullptr, nullptr);
  close(listener_);
  if (client_ < 0) return;
  server_ = ConnectSocket(server_port_);
  std::thread back([this] { Copy(server_, client_, SIZE_MAX); });
  Copy(client_, server_, limit_);
  back.join();
}

// Ends when either end does. Beyond the limit it goes on reading and forgets what it reads.
void Wire::Copy(int from, int to, size_t limit) {
  char buffer[4096];
  size_t sent = 0;
  for (ssize_t n; (n = recv(from, buffer, sizeof(buffer), 0)) > 0;) {
    const size_t part = std::min(static_cast<size_t>(n), limit - sent);
    if (part > 0 && send(to, buffer, part, MSG_NOSIGNAL) != static_cast<ssize_t>(part)) return;
    if (sent < limit && sent + part == limit) limit_reached_.set_value();
    sent += part;
  }
}

}  // namespace beak::testing
