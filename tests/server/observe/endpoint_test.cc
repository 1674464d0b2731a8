#include "server/observe/endpoint.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::StatusIs;

// What a plain HTTP/1.0 GET is answered with, headers and all.
std::string Get(int port, const std::string& path) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request = "GET " + path + " HTTP/1.0\r\nHost: localhost\r\n\r\n";
    EXPECT_EQ(send(fd, request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
    char buffer[4096];
    for (ssize_t n; (n = recv(fd, buffer, sizeof(buffer), 0)) > 0;) answer.append(buffer, static_cast<size_t>(n));
  }
  close(fd);
  return answer;
}

TEST(MetricsEndpointTest, AnswersOnAFreePort) {
  Metrics metrics("9.9");
  ASSERT_OK_AND_ASSIGN(const auto endpoint, MetricsEndpoint::Create("127.0.0.1", 0, metrics));
  ASSERT_GT(endpoint->port(), 0);
  EXPECT_THAT(Get(endpoint->port(), "/metrics"),
              AllOf(StartsWith("HTTP/1.1 200 OK"), HasSubstr(R"(beak_build_info{version="9.9"} 1)")));
}

TEST(MetricsEndpointTest, StopsAtOnce) {
  Metrics metrics("1");
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 4; ++i) ASSERT_OK(MetricsEndpoint::Create("127.0.0.1", 0, metrics));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(4)) << "two seconds each, left to itself";
}

TEST(MetricsEndpointTest, APortInUseIsAnError) {
  Metrics metrics("1");
  ASSERT_OK_AND_ASSIGN(const auto first, MetricsEndpoint::Create("127.0.0.1", 0, metrics));
  const std::string address = "127.0.0.1:" + std::to_string(first->port());
  EXPECT_THAT(MetricsEndpoint::Create("127.0.0.1", first->port(), metrics),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("cannot listen on " + address)));
}

}  // namespace
}  // namespace beak
